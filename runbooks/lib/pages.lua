-- pages.lua - what members meet: a page of each layout with its scripts and styles, requests that no cache answers, and the web's own errors.
-- SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local M = {}

-- A local post that anybody may see: its embed is a layout of its own. nil when there is none.
function M.post(s, site)
	local row = mastodon.sql(s, site, "SELECT a.username, s.id FROM statuses s JOIN accounts a ON a.id = s.account_id WHERE s.local AND a.domain IS NULL "
		.. "AND s.visibility = 0 AND s.reblog_of_id IS NULL AND s.deleted_at IS NULL ORDER BY s.id DESC LIMIT 1")[1]
	local user, id = (row or ""):match("^([^|]+)|(%d+)$")
	return user and ("/@%s/%s/embed"):format(user, id) or nil
end

-- One page of each layout, and what a healthy Mastodon answers.
local function layouts(post)
	local list = { { "the start page", "/", "200" }, { "the page about the server", "/about", "200" }, { "the log-in page", "/auth/sign_in", "200" },
		{ "the page of what is not there", "/bellbook-is-not-there", "404" } }
	if post then list[#list + 1] = { "the embed of a post", post, "200" } end
	return list
end

-- Requests that are never answered from a cache; ?bellbook=… is an address that nobody has asked for.
local function requests(s, user)
	return {
		{ "the web process", "/health", "200" },
		{ "streaming", "/api/v1/streaming/health", "200" },
		{ "webfinger", ("/.well-known/webfinger?resource=acct:%s@%s"):format(user, mastodon.domain(s)), "200", "-L" },
		{ "a fresh read", "/api/v1/timelines/public?limit=1", "200" },
		{ "the actor", "/users/" .. user, "200", "-H 'Accept: application/activity+json'" },
		{ "the inbox", "/inbox", "401", "-X POST -H 'Content-Type: application/activity+json' -H 'Accept: application/json' -d '{}'" },
	}
end

-- Shell text: asks for one address and prints "ask NUMBER STATUS", what is in the answer, and the files of packs that it names.
local ASK = [[ask() {
	n=$1; shift
	r=$(curl -sS -m 30 -w '\n%%{http_code}' "$@" 2>&1); e=$?
	printf 'ask %%s %%s\n' "$n" "$(printf '%%s\n' "$r" | tail -n 1 | tr -cd 0-9)"
	[ $e = 0 ] || printf 'why %%s %%s\n' "$n" "$(printf '%%s\n' "$r" | head -n 1 | cut -c 1-200)"
	printf '%%s\n' "$r" | sed -n 's/.*"publicKeyPem":"\([^"]*\)".*/\1/p' | sed "s/^/key $n /"
	printf '%%s\n' "$r" | grep -q 'Request not signed' && echo "says $n not signed"
	printf '%%s\n' "$r" | grep -oE '(src|href)="[^"]*/packs/[^"]*\.(js|css)"' | sed 's/^[a-z]*="//; s/"$//' | sort -u | sed "s/^/names $n /"
}
fresh=$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
%s
true]]

-- Asks all of the list at base, in one command; run gives the answer of a shell text. Returns by name: { status, why, key, says, files }.
local function ask(list, base, run, more)
	local cmds, looks = {}, {}
	for i, one in ipairs(list) do
		local url = base .. one[2] .. (one[2]:find("?", 1, true) and "&" or "?") .. "bellbook="
		cmds[i] = ("ask %d %s %s %s\"$fresh\""):format(i, one[4] or "", more or "", q(url))
		looks[one[1]] = { path = one[2], usual = one[3], status = "000", files = {} }
	end
	for _, line in ipairs(lines(run(ASK:format(table.concat(cmds, "\n"))).out)) do
		local what, n, rest = line:match("^(%a+) (%d+) (.*)$")
		local look = what and list[tonumber(n)] and looks[list[tonumber(n)][1]]
		if look and what == "ask" then look.status = rest ~= "" and rest or "000"
		elseif look and what == "names" then look.files[#look.files + 1] = rest
		elseif look then look[what] = rest end
	end
	return looks
end

-- What those files answer to somebody who fetches them: path → status, and "empty" or the kind when it is no script or style.
local function fetch(files, base, run)
	local cmds, found = { "true" }, {}
	for i, path in ipairs(files) do
		local url = path:find("^https?://") and path or path:find("^//") and "https:" .. path or base .. path
		cmds[#cmds + 1] = ("printf '%%s %%s\\n' %d \"$(curl -sS -m 60 -o /dev/null -w '%%{http_code} %%{size_download} %%{content_type}' %s 2>/dev/null)\""):format(i, q(url))
	end
	for _, line in ipairs(lines(run(table.concat(cmds, "\n")).out)) do
		local i, status, size, kind = line:match("^(%d+) (%d+) (%d+) ?(.*)$")
		if i then
			found[files[tonumber(i)]] = status ~= "200" and "answers " .. status or size == "0" and "is empty"
				or (kind:find("html", 1, true) and "comes as " .. kind) or "ok"
		end
	end
	return found
end

-- All that is looked at from outside, as members and other servers come. from: a host, or nil = this computer.
function M.look(s, site, user, from)
	local function run(cmd) return from and mastodon.read(s, from, cmd, { check = false }) or here.read(cmd, { check = false }) end
	local list, seen, names = requests(s, user), {}, {}
	for _, one in ipairs(layouts(M.post(s, site))) do list[#list + 1] = one end
	local looks = ask(list, mastodon.url(s), run)
	for _, one in ipairs(list) do
		for _, path in ipairs(looks[one[1]].files) do
			if not seen[path] then names[#names + 1] = path end
			seen[path] = true
		end
	end
	return { looks = looks, files = fetch(names, mastodon.url(s), run) }
end

local ORDER = { "the web process", "streaming", "webfinger", "a fresh read", "the actor", "the inbox", "the start page", "the page about the server",
	"the log-in page", "the page of what is not there", "the embed of a post" }

local function said(look) return look.status == "000" and "nothing (" .. (look.why or "no answer") .. ")" or look.status end

-- What is not as usual now and was otherwise before the upgrade: that is a fault. What was so before is in the second list.
function M.differences(s, before, after)
	local faults, known = {}, {}
	for _, name in ipairs(ORDER) do
		local was, is = before.looks[name], after.looks[name]
		if is and is.status ~= is.usual then
			local where = ("%s (%s%s)"):format(name, mastodon.url(s), is.path)
			if was and was.status == is.status then
				known[#known + 1] = ("%s answers %s as it did before (usual is %s): what lies behind it was not seen"):format(where, said(is), is.usual)
			else
				faults[#faults + 1] = ("%s answers %s; %s"):format(where, said(is), was and ("before the upgrade it answered %s"):format(said(was))
					or ("%s is usual"):format(is.usual))
			end
		end
	end
	if (after.looks["the inbox"] or {}).status == "401" and not after.looks["the inbox"].says then
		local text = "the inbox (" .. mastodon.url(s) .. "/inbox) answers 401, but not with Mastodon's words: something before it does"
		if (before.looks["the inbox"] or {}).says then faults[#faults + 1] = text else known[#known + 1] = text .. ", as it did before" end
	end
	return faults, known
end

-- Scripts and styles that pages name: each must come whole, and be one of this release. manifest: names of the release's build, or nil.
function M.file_faults(before, after, manifest)
	local faults = {}
	for _, name in ipairs(ORDER) do
		local is, was = after.looks[name], before.looks[name]
		if is and #is.files == 0 and was and #was.files > 0 and is.status == is.usual then
			faults[#faults + 1] = ("%s names no script or style, and did before"):format(name)
		end
		for _, path in ipairs(is and is.files or {}) do
			local file = path:match("/packs/([^?]*)")
			if after.files[path] ~= "ok" then
				faults[#faults + 1] = ("%s wants %s, and that %s"):format(name, path, after.files[path] or "has no answer")
			elseif manifest and not manifest[file] then
				faults[#faults + 1] = ("%s wants %s, which the build of this release does not have: an old page, or an old process"):format(name, path)
			end
		end
	end
	return faults
end

-- ---- on the hosts ----

-- What a chunk is called in vite's manifest (its key, and in "imports") looks like a file, and is none: "_Helmet-DKoRQaQs.js" has the file
-- Helmet-DKoRQaQs.js. An upgrade from webpack to vite leaves the manifest of the old build where it was: the code says which one counts.
local MANIFEST = [=[if ls vite.config.* >/dev/null 2>&1; then f=public/packs/.vite/manifest.json
elif [ -e config/webpacker.yml ] || [ -e config/shakapacker.yml ]; then f=public/packs/manifest.json
else f=$(ls -t public/packs/.vite/manifest.json public/packs/manifest.json 2>/dev/null | head -n 1); fi
[ -n "$f" ] && [ -e "$f" ] || { echo none; exit 0; }
echo "built $(stat -c %Y "$f")"
tr -d '\n' <"$f" | grep -oE '"file" *: *"[^"]*"|"css" *: *\[[^]]*\]|"[^"]*" *: *"/packs/[^"]*"' | sed 's/^"[^"]*" *: *//' |
	grep -oE '"[^"]*-[0-9A-Za-z_-]{8,}\.(js|css)"' | tr -d '"' | sed 's#^/packs/##' | sort -u | while read -r n; do
	if [ ! -s "public/packs/$n" ]; then echo "missing $n"
	elif [ -z "$(find "public/packs/$n" -perm -o=r)" ]; then echo "closed $n"
	else echo "file $n"; fi
done]=]

-- The build that lies on a host: names of its scripts and styles, how many of those that its manifest names are not there, and what is wrong in words.
function M.build(s, host)
	local names, wrong, built, count, missing = {}, {}, nil, 0, 0
	for _, line in ipairs(lines(mastodon.read(s, host, MANIFEST, { check = false }).out)) do
		local what, rest = line:match("^(%a+) ?(.*)$")
		if what == "built" then built = tonumber(rest)
		elseif what == "none" then wrong[#wrong + 1] = "there is no manifest below public/packs: assets:precompile was skipped"
		elseif what == "missing" then wrong[#wrong + 1] = "the manifest names " .. rest .. ", which is not there or empty"
		elseif what == "closed" then wrong[#wrong + 1] = rest .. " cannot be read by the proxy (umask when it was built?): chmod -R o+rX public/packs" end
		if what == "file" or what == "closed" then names[rest], count = true, count + 1 end
		if what == "missing" then missing = missing + 1 end
	end
	if #wrong > 3 then
		wrong = { wrong[1], wrong[2], wrong[3], ("and %d more files of the build"):format(#wrong - 3) }
	end
	return { names = names, count = count, built = built, missing = missing, wrong = wrong }
end

-- Pages of a web process itself, past the proxy: those that answer with an error, in words.
function M.direct(s, host, post)
	local base, how = mastodon.web_base(s, host)
	local more = how .. ("-H %s -H 'X-Forwarded-Proto: https'"):format(q("Host: " .. mastodon.web(s)))
	return ask(layouts(post), base, function(cmd) return mastodon.read(s, host, cmd, { check = false }) end, more)
end

-- Since when the workers of the units run that answer now: seconds of the host's clock, of the oldest; nil when none does. Puma without workers
-- (WEB_CONCURRENCY=0, or in the middle of a reload) keeps its process in a reload: only its journal tells when it began anew. And it never takes away
-- what its application had started before: a child that ended (Z) stays in the list, and runs nothing.
local SINCE = [[for u in %s; do
	p=$(systemctl show -p MainPID --value "$u")
	[ "${p:-0}" -gt 0 ] || continue
	ages=$(ps -o stat= -o etimes= --ppid "$p" 2>/dev/null | sed -n '/^Z/!s/.* //p')
	for a in $ages; do echo $(($(date +%%s) - a)); done
	[ -z "$ages" ] || continue
	age=$(ps -o etimes= -p "$p" 2>/dev/null)
	[ -n "$age" ] || continue
	own=$(($(date +%%s) - age))
	anew=$(journalctl -u "$u" --since "@$own" -o short-unix --no-pager 2>/dev/null | sed -n 's/^\([0-9]\{1,\}\)[. ].*Puma starting in .*/\1/p' | tail -n 1)
	echo "${anew:-$own}"
done | sort -n | head -n 1]]

function M.workers_since(host, units)
	local names = {}
	for i, name in ipairs(units) do names[i] = q(name) end
	return tonumber(trim(mastodon.root_read(host, SINCE:format(table.concat(names, " ")), { check = false }).out))
end

-- Errors that the units wrote to the journal since then: how many lines, and up to three that differ.
local ERRORS = [=[found=$(journalctl -u %s --since @%d -o cat 2>/dev/null | grep -E 'FATAL -- :|status=5[0-9][0-9]( |$)|RedisCacheStore: .* failed')
echo "count $(printf '%%s' "$found" | grep -c .)"
printf '%%s\n' "$found" | sed 's/^[A-Z], \[[^]]*\] *//; s/\[[0-9a-f-]*\] //; s/duration=.*//' | sort | uniq -c | sort -rn | head -n 3 | sed 's/^ */line /'
true]=]

function M.errors(host, units, since)
	local total, samples = 0, {}
	for _, unit in ipairs(units) do
		for _, line in ipairs(lines(mastodon.root_read(host, ERRORS:format(q(unit), since), { check = false }).out)) do
			local n, text = line:match("^count (%d+)$"), line:match("^line (.*)$")
			total = total + (tonumber(n) or 0)
			samples[#samples + 1] = text and text:sub(1, 200)
		end
	end
	return total, samples
end

-- ---- before the checkout ----

-- The running web reads a page's template from disk when it renders that page for the first time: after a checkout that is another release's.
-- So each is asked for before, often enough to meet each worker. Returns the status by path.
local WARM = { "/", "/about", "/explore", "/public", "/auth/sign_in", "/auth/sign_up", "/auth/password/new", "/auth/confirmation/new",
	"/privacy-policy", "/tags/mastodon", "/bellbook-is-not-there" }

function M.warm(s, host, post, user, times)
	local paths, cmds, found = { table.unpack(WARM) }, {}, {}
	if post then paths[#paths + 1] = post end
	paths[#paths + 1] = "/@" .. user
	local base, how = mastodon.web_base(s, host)
	for i, path in ipairs(paths) do
		cmds[i] = ("one %d %s"):format(i, q(base .. path))
	end
	local cmd = ("one() { for i in $(seq %d); do printf '%%s ' $1; curl -sS -m 30 -o /dev/null -w '%%{http_code}\\n' %s-H %s -H 'X-Forwarded-Proto: https' \"$2\"; done; }\n%s\ntrue")
		:format(times, how, q("Host: " .. mastodon.web(s)), table.concat(cmds, "\n"))
	for _, line in ipairs(lines(mastodon.read(s, host, cmd, { check = false }).out)) do
		local i, status = line:match("^(%d+) (%d+)$")
		local path = i and paths[tonumber(i)]
		if path and (not found[path] or tonumber(status) >= 500 or status == "000") then found[path] = status end
	end
	return found
end

return M
