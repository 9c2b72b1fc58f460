-- code.lua - the code that lies on a host, where it comes from, and the release that is to come: looked at before anything is changed.
-- SPDX-License-Identifier: GPL-3.0-or-later
local hosts = require "hosts"
local mastodon = require "mastodon"
local sorted = require "sorted"
local versions = require "versions"
local M = {}

-- version_of reads lib/mastodon/version.rb and config/mastodon.yml behind it: the numbers, and words that stand there themselves (alpha.2, a fork's name:
-- from 4.4 on that is metadata in the second file). A word has a letter or digit: what joins such words is none.
local SHELL = [[
export LC_ALL=C GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0
say() { printf '%s=%s\n' "$1" "$2"; }
version_of() {
	awk 'function quoted(text) { return match(text, /["\047][+.-]*[a-z0-9][a-z0-9+.-]*["\047]/) ? substr(text, RSTART + 1, RLENGTH - 2) : "" }
/def (major|minor|patch)$/ { name = $2; getline; gsub(/[^0-9]/, ""); n[name] = $0 }
/def (default_prerelease|prerelease|flags|build_metadata|suffix)$/ { name = $2; getline; word[name] = quoted($0) }
/^ +metadata:/ && !("metadata" in word) { sub(/^ +metadata: */, ""); word["metadata"] = /^[A-Za-z0-9]/ ? $1 : quoted($0) }
END {
	pre = word["default_prerelease"]; if (pre == "") pre = word["prerelease"]; if (pre == "") pre = word["flags"]
	build = word["build_metadata"]; if (build == "") build = word["metadata"]; if (build == "") build = word["suffix"]; sub(/^\+/, "", build)
	printf "version=%s.%s.%s%s%s\n", n["major"], n["minor"], n["patch"], pre == "" ? "" : "-" pre, build == "" ? "" : "+" build
}'
}
]]

local FACTS = SHELL .. [=[
cat lib/mastodon/version.rb config/mastodon.yml 2>/dev/null | version_of
if ! command -v git >/dev/null; then
	say git "git is not installed"
elif ! top=$(git rev-parse --show-toplevel 2>&1); then
	say git "$(printf '%s\n' "$top" | sed -n 1p)"
	say owner "$(stat -c %U .git 2>/dev/null)"
elif [ "$(cd "$top" && pwd -P)" != "$(pwd -P)" ]; then
	say git "fatal: not a git repository of its own, but a folder in that of $top"
else
	say git ok
	say umask "$(umask)"
	say head "$(git rev-parse -q --verify HEAD)"
	branch=$(git symbolic-ref -q --short HEAD)
	say branch "$branch"
	say tracks "$(git config "branch.$branch.remote")"
	say describe "$(git describe --tags --always 2>/dev/null)"
	say base "$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null)"
	say tags "$(git tag --points-at HEAD | tr '\n' ' ')"
	say shallow "$(git rev-parse --is-shallow-repository)"
	git config --get-regexp '^remote\..*\.url$' | sed 's#//[^@/ ]*@#//(secret)@#; s/^remote\.\(.*\)\.url /remote=\1 /'
	git log --no-merges --format='own=%h %an: %s' HEAD --not --remotes --tags | cut -c 1-160 | head -n 40
	git -c core.quotePath=false diff --name-only HEAD | head -n 200 | sed 's/^/changed=/'
	dir=$(git rev-parse --git-dir)
	for f in index HEAD shallow packed-refs config; do
		f=$dir/$f.lock
		for i in 1 2 3; do [ ! -e "$f" ] || sleep 1; done
		[ ! -e "$f" ] || say lock "$f, of $(date -r "$f" '+%F %T')"
	done
	for f in FETCH_HEAD ORIG_HEAD logs/HEAD; do [ ! -e "$dir/$f" ] || [ -w "$dir/$f" ] || say locked "./$dir/$f"; done
	# The first that is there: a rebase that stopped has a CHERRY_PICK_HEAD, too.
	for begun in MERGE_HEAD=merge rebase-apply/applying=am rebase-merge=rebase rebase-apply=rebase \
		CHERRY_PICK_HEAD=cherry-pick REVERT_HEAD=revert; do
		[ ! -e "$dir/${begun%%=*}" ] || { say begun "${begun#*=}"; break; }
	done
	{ echo .; git -c core.quotePath=false ls-files | sed -n 's#/[^/]*$##p' | uniq | sort -u; find .git -type d ! -writable 2>/dev/null; } |
		while IFS= read -r d; do [ ! -d "$d" ] || [ -w "$d" ] || say locked "./$d"; done | head -n 5
	ps -ww -eo pid=,etimes=,user:32=,args= | awk '{ word = $4; sub(/.*\//, "", word); args = $0; sub(/^ *[0-9]+ +[0-9]+ +[^ ]+ +/, "", args) }
		word !~ /^(sh|bash|dash|sudo|su|runuser|ssh|sshd|awk|ps|timeout|systemd-run|tmux|screen)$/ && args ~ /(^|[ \/])(yarn(pkg|\.c?js)?|bundle) install|(assets:precompile|db:migrate)( |$)|(^|[ \/])git (checkout|pull|rebase|reset|merge|switch)( |$)|vite(\.js)? build/ {
			print $1, $2, $3, substr(args, 1, 120) }' | while read -r pid age who args; do
		case $(readlink "/proc/$pid/cwd") in "$(pwd -P)" | "$(pwd -P)"/*) say busy "pid $pid of $who, for $age s: $args" ;; esac
	done
	# A disk that is damaged is made read-only by the kernel.
	say readonly "$(df -P . | awk 'NR == 2 { print $6 }' | while read -r m; do awk -v m="$m" '$2 == m { o = "," $4 "," } END { if (index(o, ",ro,")) print m }' /proc/self/mounts; done)"
	for d in node_modules vendor/bundle public/packs tmp log; do
		[ ! -d "$d" ] || find "$d/" -maxdepth 2 -type d ! -writable -print 2>/dev/null | head -n 2 | sed 's/^/locked=/'
	done
fi
true]=]

-- Lines key=value; keys of `many` give lists.
local function read_facts(out, many)
	local facts = {}
	for name in pairs(many) do facts[name] = {} end
	for _, line in ipairs(lines(out)) do
		local key, value = line:match("^(%a+)=(.*)$")
		if key and many[key] then
			table.insert(facts[key], value)
		elseif key then
			facts[key] = value
		end
	end
	return facts
end

-- What lies on one host, and what git says about it.
function M.facts(s, host)
	local facts = read_facts(mastodon.read(s, host, FACTS).out, { remote = true, own = true, changed = true, locked = true, lock = true, busy = true })
	facts.remotes = {}
	for _, line in ipairs(facts.remote) do
		local name, url = line:match("^(%S+) (.*)$")
		if name then facts.remotes[name] = url end
	end
	facts.remote = nil
	return facts
end

function M.look(s, site)
	for host, facts in sorted(hosts.ask_all(s, function(host) return M.facts(s, host) end)) do site.hosts[host].git = facts end
end

local OFFICIAL = "https://github.com/mastodon/mastodon.git"

local function is_official(url)
	return url ~= nil and url:find("github%.com[:/]mastodon/mastodon") ~= nil or url ~= nil and url:find("github%.com[:/]tootsuite/mastodon") ~= nil
end

-- A tag as Mastodon's own releases have them.
local function is_release(tag)
	local v = versions.parse(tag)
	if not v or tag:sub(1, 1) ~= "v" or v.build then return false end
	return not v.pre or v.pre:find("^rc") ~= nil or v.pre:find("^beta") ~= nil or v.pre:find("^alpha") ~= nil
end

-- Why git cannot bring new code to a host, with a way on; a list.
function M.git_problems(s, site)
	local problems, live, user = {}, mastodon.live(s), mastodon.user(s)
	for _, host in ipairs(s:all "app") do
		local git, h = site.hosts[host].git, site.hosts[host]
		local function add(text, ...) problems[#problems + 1] = host .. ": " .. text:format(...) end
		if git.git:find("dubious ownership", 1, true) then
			add("git refuses to work in %s, because it belongs to %s and git runs as %s. As root: chown -R %s: %s/.git (or, when that is meant so, as %s: "
				.. "git config --global --add safe.directory %s)", live, git.owner or "somebody else", user, user, live, user, live)
		elseif git.git:find("not a git repository", 1, true) then
			add("%s is no clone of git (%s), so the new release cannot be fetched into it. Make it one; no file is changed by this, as %s in %s: "
				.. "git init -q && git remote add origin %s && git fetch --depth 1 origin tag v%s && git reset -q v%s", live,
				git.git, user, live, OFFICIAL, h.code, h.code)
		elseif git.git ~= "ok" then
			add("git does not work in %s: %s", live, git.git)
		elseif next(git.remotes) == nil then
			add("git knows no place to fetch new code from. As %s in %s: git remote add origin %s", user, live, OFFICIAL)
		end
		for _, lock in ipairs(git.lock) do
			add("a lock of git's lies there (%s): a git runs there now, or one died and left it. When none runs (ps -C git), as %s in %s: rm %s", lock, user, live,
				lock:match("^(.*), of ") or lock)
		end
		if git.begun then
			add("a %s was begun in git there and not ended: end it, or as %s in %s: git %s --abort", git.begun, user, live, git.begun)
		end
	end
	return problems
end

-- Names of remotes, the likeliest first: the one of the fleet file alone, else the one that the branch follows, else origin.
local function remotes(s, host, git)
	local wanted, list = mastodon.remote(s), {}
	if wanted then
		local names = {}
		for name in sorted(git.remotes) do names[#names + 1] = name end
		check(git.remotes[wanted], ("the fleet file says mastodon.remote = %q, and git on %s knows %s"):format(wanted, host, table.concat(names, ", ")))
		return { wanted }
	end
	local function add(name)
		if name == "" or not git.remotes[name] then return end
		for _, have in ipairs(list) do if have == name then return end end
		list[#list + 1] = name
	end
	add(git.tracks or "")
	add "origin"
	for name in sorted(git.remotes) do add(name) end
	return list
end

-- Tags that look like releases, and where the wanted name leads; a tag that holds a message leads to its commit.
local REFS = SHELL .. [[timeout 120 git ls-remote "$remote" 'refs/tags/v[0-9]*' $patterns | awk '
{ peeled = sub(/\^\{\}$/, "", $2); if (peeled || !($2 in at)) at[$2] = $1 }
END { for (ref in at) { if (ref ~ /^refs\/tags\/v[0-9]/) print "tag=" substr(ref, 11); print "at=" ref " " at[ref] } }' | awk -v want="$refs" '
/^tag=/ { print } /^at=/ { n = split(want, w, " "); for (i = 1; i <= n; i++) if (index($0, "at=" w[i] " ") == 1) print }']]

-- Refs that a name may mean, the likeliest first.
local function meanings(name)
	local list = {}
	if versions.parse(name) and name:sub(1, 1) ~= "v" then list[1] = "refs/tags/v" .. name end
	list[#list + 1] = "refs/tags/" .. name
	list[#list + 1] = "refs/heads/" .. name
	return list
end

-- name: nil asks for the list of releases alone.
local function find_at(s, host, remote, name)
	local refs = name and meanings(name) or {}
	local all = table.concat(refs, " ")
	local peeled = name and table.concat(refs, "^{} ") .. "^{}" or ""
	local words = ("remote=%s refs=%s patterns=%s\n"):format(q(remote), q(all), q(all .. " " .. peeled))
	local answer = mastodon.read(s, host, words .. REFS, { check = false })
	local found = { tags = {}, err = trim(answer.err) }
	local at = {}
	for _, line in ipairs(lines(answer.out)) do
		local tag = line:match("^tag=(.*)$")
		local ref, commit = line:match("^at=(%S+) (%x+)$")
		if tag then found.tags[#found.tags + 1] = tag elseif ref then at[ref] = commit end
	end
	table.sort(found.tags, function(a, b)
		local d = versions.parse(a) and versions.parse(b) and versions.compare(a, b) or 0
		return d < 0 or d == 0 and a < b
	end)
	for _, ref in ipairs(refs) do
		if at[ref] and not found.ref then found.ref, found.commit = ref, at[ref] end
	end
	return found
end

-- The line of what git said that names the reason.
local function reason(err)
	local last = ""
	for _, line in ipairs(lines(err)) do
		line = line:gsub("//[^@/%s]*@", "//(secret)@")
		if line:find("^fatal:") or line:find("^error:") or line:find("Permission denied") or line:find("Could not resolve") then return line end
		last = line
	end
	return last
end

-- The releases that can be had, and the remote that lists them; nil and why when none does.
function M.releases(s, site)
	local git, errors = site.hosts[site.first].git, {}
	for _, remote in ipairs(remotes(s, site.first, git)) do
		local found = find_at(s, site.first, remote)
		if #found.tags > 0 then return found.tags, remote end
		errors[#errors + 1] = ("%s (%s): %s"):format(remote, git.remotes[remote], found.err ~= "" and reason(found.err) or "it has no tag of a release")
	end
	return nil, table.concat(errors, "; ")
end

-- What the person wants to go to: given with the walk, or asked in it.
function M.wanted(s, site)
	return s.params.target or site.wanted
end

local LOCAL = SHELL .. [[for ref in $refs; do c=$(git rev-parse -q --verify "$ref^{commit}") && { echo "$ref $c"; break; }; done; true]]

-- What the target is: { asked, name, ref, commit, kind = tag|branch|local, remote, checkout, tags, version … }. A name that is a tag or a
-- branch at a remote, REMOTE/BRANCH, or a branch that was made on the hosts.
function M.find(s, site)
	local host, asked = site.first, M.wanted(s, site)
	local name = asked
	local git, errors, tags = site.hosts[host].git, {}, nil
	local list = remotes(s, host, git)
	local before, behind = name:match("^([^/]+)/(.+)$")
	if before and git.remotes[before] then list, name = { before }, behind end
	for _, remote in ipairs(list) do
		local found = find_at(s, host, remote, name)
		if #found.tags > 0 or found.ref then tags = tags or found.tags end
		if found.ref then
			local kind, short = found.ref:match("^refs/(%a+)/(.*)$")
			return { asked = asked, name = short, ref = found.ref, commit = found.commit, kind = kind == "tags" and "tag" or "branch", remote = remote,
				url = git.remotes[remote], tags = found.tags, checkout = kind == "tags" and short or found.commit }
		elseif not found.tags[1] then
			errors[#errors + 1] = ("%s (%s): %s"):format(remote, git.remotes[remote], reason(found.err))
		end
	end
	local ref, commit = mastodon.read(s, host, ("refs=%s\n"):format(q(table.concat(meanings(name), " "))) .. LOCAL).out:match("(%S+) (%x+)")
	if ref then
		local short = ref:match("^refs/%a+/(.*)$")
		if #errors > 0 then s:warn("The list of releases could not be had from git's remote: " .. table.concat(errors, "; ")) end
		return { asked = asked, name = short, ref = ref, commit = commit, kind = "local", tags = tags or {}, checkout = short }
	end
	if not tags then fail(("git on %s cannot ask for releases. Mend that first (as %s in %s): %s"):format(host, mastodon.user(s), mastodon.live(s),
		table.concat(errors, "; "))) end
	local v = versions.parse(name)
	fail(v and ("there is no release %s at the origin of %s's code (%s); is it typed right? The newest are %s"):format(v.tag, host, table.concat(list, ", "),
			table.concat(tags, ", ", math.max(1, #tags - 2)))
		or ("there is neither a tag nor a branch “%s” at the origin of %s's code (%s), and no branch of that name on the host"):format(name, host, table.concat(list, ", ")))
end

-- The tree of the target, read without changing anything: what the host does not have yet is fetched into a folder that is removed again.
-- brings: new migrations. way: files that are not git's and would be replaced. touched: files changed by hand that the target changes too;
-- hidden: those that git was told not to look at. missing: own commits
-- that the target does not have, not even as a copy. A shallow clone cannot lend its objects: what it lacks would be missing there too.
local PROBE = SHELL .. [[
t=$(mktemp -d "${TMPDIR:-/tmp}/bellbook.XXXXXXXX") || exit 1
trap 'rm -rf "$t"' EXIT
trap 'exit 1' HUP INT TERM
if [ -n "$local" ]; then
	c=$(git rev-parse -q --verify "$ref^{commit}") || { say error "there is no branch $local"; exit 0; }
elif ! git cat-file -e "$c^{commit}" 2>/dev/null; then
	git init -q --bare "$t/r" && cp "$(git rev-parse --git-path config)" "$t/r/config" && git --git-dir="$t/r" config core.bare true
	[ "$(git rev-parse --is-shallow-repository)" = true ] || (cd "$(git rev-parse --git-path objects)" && pwd -P) >"$t/r/objects/info/alternates"
	timeout 900 git --git-dir="$t/r" fetch -q --no-tags --depth 1 "$remote" "$ref" 2>"$t/err" || { sed 's/^/error=/' "$t/err"; say error "it cannot be fetched"; exit 0; }
	c=$(git --git-dir="$t/r" rev-parse -q --verify 'FETCH_HEAD^{commit}')
	export GIT_ALTERNATE_OBJECT_DIRECTORIES="$t/r/objects"
fi
say commit "$c"
case $ref in refs/tags/*) [ -n "$local" ] || say here "$(git rev-parse -q --verify "$ref^{commit}")" ;; esac
{ git show "$c:lib/mastodon/version.rb"; git show "$c:config/mastodon.yml"; } 2>/dev/null | version_of
say ruby "$(git show "$c:.ruby-version" 2>/dev/null)"
say range "$(git show "$c:Gemfile" 2>/dev/null | sed -n 's/^ruby //p' | tr -d "\"'")"
git ls-files | sort >"$t/tracked"
git -c core.quotePath=false diff --name-only --no-renames --diff-filter=A HEAD "$c" | sort >"$t/added"
say brings "$(sed -n 's#^db/\(post_\)\{0,1\}migrate/\([0-9]*\)_.*#\2#p' "$t/added" | tr '\n' ' ')"
comm -23 "$t/added" "$t/tracked" | while IFS= read -r f; do
	if [ -e "$f" ] || [ -L "$f" ]; then say way "$f"; fi
done
awk -F/ '{ p = ""; for (i = 1; i < NF; i++) { p = p (i > 1 ? "/" : "") $i; if (!seen[p]++) print p } }' "$t/added" | sort | comm -23 - "$t/tracked" |
	while IFS= read -r d; do
		if [ -L "$d" ] || { [ -e "$d" ] && [ ! -d "$d" ]; }; then say way "$d"; fi
	done
git -c core.quotePath=false diff --name-only HEAD | sort >"$t/changed"
git -c core.quotePath=false diff --name-only --no-renames HEAD "$c" | sort >"$t/differs"
comm -12 "$t/differs" "$t/changed" | sed 's/^/touched=/'
git -c core.quotePath=false ls-files -v | sed -n 's/^[a-zS] //p' | sort | comm -12 - "$t/differs" | while IFS= read -r f; do
	[ ! -f "$f" ] || [ "$(git hash-object -- "$f")" = "$(git rev-parse -q --verify "HEAD:$f")" ] || say hidden "$f"
done
git rev-list --no-merges HEAD --not --remotes --tags >"$t/own"
if [ -s "$t/own" ] && ! git merge-base --is-ancestor HEAD "$c" 2>/dev/null; then
	git cherry "$c" HEAD 2>/dev/null | sed -n 's/^- //p' >"$t/carried"
	grep -vxFf "$t/carried" "$t/own" | while read -r one; do git log -1 --format='missing=%h %an: %s' "$one" | cut -c 1-160; done
fi
true]]

-- Looks at the target's tree on every host; gives the problems that stand in its way to there.
function M.probe(s, site)
	local goal, problems = site.goal, {}
	local answers = hosts.ask_all(s, function(host)
		local git = site.hosts[host].git
		local remote = goal.kind ~= "local" and (git.remotes[goal.remote] and goal.remote or remotes(s, host, git)[1]) or ""
		local words = ("remote=%s ref=%s c=%s local=%s\n"):format(q(remote), q(goal.ref), q(goal.commit), q(goal.kind == "local" and goal.name or ""))
		local facts = read_facts(mastodon.read(s, host, words .. PROBE).out, { error = true, way = true, touched = true, hidden = true, missing = true })
		facts.remote = remote
		return facts
	end)
	for host, facts in sorted(answers) do
		site.hosts[host].tree = facts
		local function add(text, ...) problems[#problems + 1] = host .. ": " .. text:format(...) end
		if #facts.error > 0 then
			add("%s cannot be had from %s: %s", goal.asked, facts.remote ~= "" and facts.remote or "the host itself", reason(table.concat(facts.error, "\n")))
		elseif goal.kind ~= "local" and facts.commit ~= goal.commit then
			add("%s is commit %s there, and %s on %s: they would run different code", goal.asked, facts.commit:sub(1, 12), goal.commit:sub(1, 12), site.first)
		elseif (facts.here or "") ~= "" and facts.here ~= facts.commit then
			add("the tag %s on this host is another commit (%s) than at %s (%s). Find out which one is right; `git tag -d %s` removes the host's", goal.name,
				facts.here:sub(1, 12), facts.remote, facts.commit:sub(1, 12), goal.name)
		end
	end
	if #problems == 0 then
		local tree = site.hosts[site.first].tree
		goal.version, goal.ruby, goal.range = tree.version, tree.ruby, tree.range
		check(versions.parse(goal.version or ""), ("%s is no Mastodon: there is no version in its lib/mastodon/version.rb"):format(goal.asked))
	end
	return problems
end

-- Finds the target and looks at it; site.goal says what it is from then on.
function M.find_goal(s, site)
	site.goal = M.find(s, site)
	return M.probe(s, site)
end

-- ---- forks and commits of one's own ----

-- What shows that the server runs no release of Mastodon's own makers; a list of texts. A mirror of them is none.
function M.fork_signs(s, site)
	local signs, seen = {}, {}
	local function add(text, ...)
		text = text:format(...)
		if not seen[text] then signs[#signs + 1], seen[text] = text, true end
	end
	local running = versions.parse(site.from)
	if running and running.build then add("the web says that it is %s", running.full) end
	for _, host in ipairs(s:all "app") do
		local git = site.hosts[host].git
		local code, released = versions.parse(git.version or ""), false
		if code and code.build then add("the code on %s calls itself %s", host, code.full) end
		local label = site.hosts[host].env.MASTODON_VERSION_METADATA
		if label then add("%s sets MASTODON_VERSION_METADATA=%s", host, label) end
		for tag in (git.tags or ""):gmatch("%S+") do
			released = released or is_release(tag)
			if not is_release(tag) then add("the code on %s is the tag %s", host, tag) end
		end
		local remote = git.remotes and remotes(s, host, git)[1]
		if remote and not released and not is_official(git.remotes[remote]) then add("the code on %s comes from %s", host, git.remotes[remote]) end
	end
	return signs
end

-- Is the target a release of Mastodon's own makers?
function M.goal_is_vanilla(goal)
	local v = versions.parse(goal.version)
	return goal.kind == "tag" and not v.build and is_release(goal.name)
end

-- Own commits that the target lacks: host → list of lines.
function M.left_behind(s, site)
	local list, any = {}, false
	for _, host in ipairs(s:all "app") do
		local missing = site.hosts[host].tree and site.hosts[host].tree.missing or {}
		if #missing > 0 then list[host], any = missing, true end
	end
	return any and list or nil
end

-- Commands that carry own commits onto the target, beside the live folder, so that nothing that runs is touched.
function M.carry_commands(s, site, host)
	local goal, git, live = site.goal, site.hosts[host].git, mastodon.live(s)
	local name, beside = "own-" .. versions.parse(goal.version).text, live:gsub("/+$", "") .. "-own"
	local from = git.branch ~= "" and git.branch or git.head:sub(1, 12)
	return { ("cd %s && git fetch --no-tags %s %s"):format(q(live), q(goal.remote or "origin"), goal.kind == "tag" and "tag " .. q(goal.name) or q(goal.name)),
		("git worktree add -b %s %s %s && cd %s"):format(q(name), q(beside), q(from), q(beside)),
		("git rebase --onto %s %s"):format(q(goal.kind == "tag" and goal.name or goal.commit), git.base ~= "" and q(git.base) or "--root"),
		("cd %s && git worktree remove %s"):format(q(live), q(beside)) }, name
end

-- ---- files ----

local function some(list)
	local shown = table.concat(list, ", ", 1, math.min(#list, 8))
	return #list > 8 and ("%s and %d more"):format(shown, #list - 8) or shown
end

local function quoted(list)
	local names = {}
	for i, name in ipairs(list) do names[i] = q(name) end
	return table.concat(names, " ")
end

-- Files in the way of the target, with what to do about them, and folders that Mastodon's user cannot write; and what is only to be known.
function M.tree_problems(s, site)
	local problems, notes, live, user = {}, {}, mastodon.live(s), mastodon.user(s)
	for _, host in ipairs(s:all "app") do
		local git, tree = site.hosts[host].git, site.hosts[host].tree
		local function add(text, ...) problems[#problems + 1] = host .. ": " .. text:format(...) end
		if #git.busy > 0 then
			add("somebody works on the code there now, and two at once spoil each other's work: %s. Ask who it is (another session of this runbook, perhaps), and wait until it has ended",
				table.concat(git.busy, "; "))
		end
		if #tree.way > 0 then
			add("%s brings files of the same names as these, which are not git's and would be lost: %s. Move them away (as %s in %s): "
				.. "mkdir -p ../kept && mv %s ../kept/", site.goal.name, some(tree.way), user, live, quoted(tree.way))
		end
		if #tree.touched > 0 then
			add("these files were changed by hand, and %s changes them too, so git refuses: %s. To put your changes away (they are then not in what runs; "
				.. "git stash pop brings them back), as %s in %s: git stash push -- %s", site.goal.name, some(tree.touched), user, live, quoted(tree.touched))
		end
		if #tree.hidden > 0 then
			local names = quoted(tree.hidden)
			add("these files were changed by hand, and %s changes them, too, so git refuses; git was told not to look at them, and does not show it: %s. To put your changes away "
				.. "(git stash pop brings them back), as %s in %s: git update-index --no-skip-worktree --no-assume-unchanged -- %s && git stash push -- %s", site.goal.name,
				some(tree.hidden), user, live, names, names)
		end
		if (git.readonly or "") ~= "" then
			add("%s is mounted read-only now. The kernel does that to a disk with faults: journalctl -k says so. Mend that first (mount -o remount,rw %s, when it was meant)", git.readonly,
				git.readonly)
		elseif #git.locked > 0 then
			local whole = {}
			for i, name in ipairs(git.locked) do whole[i] = name == "./." and live or live .. "/" .. name:gsub("^%./", "") end
			add("%s may not write here: %s. As root: chown -R %s: %s", user, some(git.locked), user, quoted(whole))
		end
		local kept, touched = {}, {}
		for _, name in ipairs(tree.touched) do touched[name] = true end
		for _, name in ipairs(git.changed) do if not touched[name] then kept[#kept + 1] = name end end
		if #kept > 0 then notes[#notes + 1] = ("%s: changed by hand, and left as they are, because %s does not change them: %s"):format(host, site.goal.name, some(kept)) end
	end
	return problems, notes
end

-- In front of commands that make what the proxy reads: where new files would be closed to others, pages came without style (403).
function M.umask(site, host)
	local git = site.hosts[host].git
	local others = tonumber((git and git.umask or ""):match("%d$")) or 0
	return others >= 4 and "umask 022 && " or ""
end

-- The command that brings the target's code to a host: by its commit, as a branch may have the tag's name, and the tag may be moved meanwhile.
function M.checkout(site, host)
	local goal, h = site.goal, site.hosts[host]
	if goal.kind == "local" then return M.umask(site, host) .. "git checkout " .. q(goal.name) end
	local depth = h.git and h.git.shallow == "true" and "--depth 1 " or ""
	local remote = h.tree and h.tree.remote ~= "" and h.tree.remote or goal.remote
	return M.umask(site, host) .. ("git fetch --no-tags %s%s %s && git checkout --detach %s"):format(depth, q(remote), goal.kind == "tag" and "tag " .. q(goal.name) or q(goal.name),
		q(goal.commit))
end

-- Shell text: true where the target's code lies. What was looked at is meant, whatever became of the tag since.
function M.is_there_cmd(site)
	local goal = site.goal
	local wanted = goal.kind == "local" and ("\"$(git rev-parse -q --verify %s)\""):format(q(goal.checkout .. "^{commit}")) or q(goal.commit)
	return "test \"$(git rev-parse HEAD)\" = " .. wanted
end

-- Words, when a tag that was fetched to a host leads to another commit than the one that was looked at; else nil.
function M.moved(s, site, host)
	local goal = site.goal
	if goal.kind ~= "tag" then return nil end
	local is = trim(mastodon.read(s, host, ("git rev-parse -q --verify %s; true"):format(q(goal.ref .. "^{commit}"))).out)
	if is == "" or is == goal.commit then return nil end
	return ("%s: the tag %s is another commit at %s now (%s) than when it was looked at (%s): somebody moved it. Find out why; to take the new one, repeat the step “May we go from "
		.. "here to there?”"):format(host, goal.name, goal.remote, is:sub(1, 12), goal.commit:sub(1, 12))
end

return M
