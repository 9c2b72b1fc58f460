-- verify.lua - does Mastodon work? Looks from the hosts themselves and from outside; and what must be the same before and after.
-- SPDX-License-Identifier: GPL-3.0-or-later
local counted = require "counted"
local mastodon = require "mastodon"
local pages = require "pages"
local services = require "services"
local sidekiq = require "sidekiq"
local units = require "units"
local versions = require "versions"
local M = {}

local function parsed(text)
	local ok, value = pcall(json.decode, text)
	return ok and type(value) == "table" and value or {}
end

-- Status and body of a page on a web host; 0 when nobody answers.
local function fetch(s, host, path, extra)
	local answer = mastodon.page(s, host, path, (extra and extra .. " " or "") .. "-w '\\n%{http_code}'")
	local body, status = answer.out:match("^(.*)\n(%d+)%s*$")
	return tonumber(status) or 0, body or ""
end

-- The signing key as the database has it: in accounts, or (since 4.7) in keypairs.
local function stored_key(s, site, user)
	local where = "a.domain IS NULL AND lower(a.username) = lower('" .. user:gsub("'", "") .. "')"
	local rows = mastodon.sql(s, site, "SELECT replace(a.public_key, chr(10), '\\n') FROM accounts a WHERE " .. where)
	if rows[1] and rows[1] ~= "" then return (rows[1]:gsub("\\n", "\n")) end
	local ok, pairs_of = pcall(mastodon.sql, s, site, "SELECT replace(k.public_key, chr(10), '\\n') FROM keypairs k JOIN accounts a ON a.id = k.account_id WHERE " .. where)
	return ok and pairs_of[1] and (pairs_of[1]:gsub("\\n", "\n")) or nil
end

-- Facts that an upgrade must not change: the identity of the server, and that nothing was lost.
function M.identity(s, site)
	local host = mastodon.hosts_with(s, site, "web")[1]
	local _, body = fetch(s, host, "/api/v2/instance")
	local instance = parsed(body)
	local contact = type(instance.contact) == "table" and type(instance.contact.account) == "table" and instance.contact.account.username
	local user = s.params.account or contact or trim(table.concat(mastodon.sql(s, site,
		"SELECT username FROM accounts WHERE domain IS NULL AND id > 0 ORDER BY id LIMIT 1")))
	local status, actor = fetch(s, host, "/users/" .. user, "-H 'Accept: application/activity+json'")
	local key = type(parsed(actor).publicKey) == "table" and parsed(actor).publicKey.publicKeyPem
	-- AUTHORIZED_FETCH shows no actor to strangers (401): that is policy, and the key is the same one.
	if not key and status ~= 200 then key = stored_key(s, site, user) end
	local config = type(instance.configuration) == "table" and instance.configuration or {}
	local counts = mastodon.sql(s, site, "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM accounts WHERE domain IS NULL)")[1]
	local users, accounts = (counts or ""):match("(%d+)|(%d+)")
	return { user = user, status = status, key = key, domain = instance.domain, users = tonumber(users), accounts = tonumber(accounts),
		vapid = type(config.vapid) == "table" and config.vapid.public_key or nil }
end

-- What differs, in words.
function M.identity_problems(before, after)
	local problems = {}
	if before.key and after.key ~= before.key then
		problems[#problems + 1] = ("the public key of @%s is not the same as before: other servers will refuse what this one signs")
			:format(before.user)
	end
	if before.vapid and after.vapid ~= before.vapid then
		problems[#problems + 1] = "the key of push notifications (VAPID) is not the same as before"
	end
	if before.domain and after.domain ~= before.domain then
		problems[#problems + 1] = ("the server calls itself %s, and was %s"):format(after.domain or "nothing", before.domain)
	end
	for _, name in ipairs { "users", "accounts" } do
		-- Somebody may leave meanwhile.
		if (after[name] or 0) < (before[name] or 0) * 0.99 - 5 then
			problems[#problems + 1] = ("there are %d local %s, and were %d"):format(after[name] or 0, name, before[name])
		end
	end
	return problems
end

-- Does the web of a host run that version, as semantic versions compare (“+glitch” does not count)? Two witnesses, as each can err: what it says (the answer is kept in a cache that all hosts
-- share, and may be refused to us), and whether its workers were started after the code came. Else what was found and wanted, in words.
function M.web_is(s, host, wanted)
	local found = mastodon.running_version(s, host)
	local since, code = pages.workers_since(host, mastodon.units(s.site, host, "web")), mastodon.code_since(s, host)
	local newer = since and since + 1 >= math.floor(code) - 1
	if found and versions.compare(found, wanted) ~= 0 then
		return false, ("%s: the web says version %s, and %s is wanted"):format(host, found, wanted)
	end
	if not since then return false, ("%s: no process of the web runs"):format(host) end
	if not newer then
		return false, ("%s: the web's workers run since %d s before the code came: they are the old ones, whatever version they say"):format(host, math.ceil(code - since))
	end
	return found ~= nil or mastodon.is_healthy(s, host), ("%s: the web says no version and not that it is healthy"):format(host)
end

-- The web process of a host: right version, reaches database and Redis, its pages and its build are whole. post: path of an embed, or nil.
function M.web_problems(s, host, version, post)
	local problems = {}
	local function add(text, ...) problems[#problems + 1] = host .. ": " .. text:format(...) end
	if not mastodon.is_healthy(s, host) then
		add("/health does not say OK everywhere (%s): %s", services.places_text(s, host), services.log(host, mastodon.units(s.site, host, "web")))
		return problems
	end
	local ok, why = M.web_is(s, host, version)
	if not ok then problems[#problems + 1] = why end
	-- Asked with an address of its own, so that no cache answers; 401 and 422 may be the server's policy.
	local status = fetch(s, host, "/api/v2/instance?fresh=1")
	if status ~= 200 and status ~= 401 then add("/api/v2/instance answers %d: the process lives, but database or Redis may not be reached", status) end
	status = fetch(s, host, "/api/v1/timelines/public?local=true&limit=1&fresh=1")
	if status ~= 200 and status ~= 401 and status ~= 422 then add("the public timeline answers %d (200, or 401 as a policy, is wanted)", status) end
	status = fetch(s, host, "/inbox", "-X POST -H 'Content-Type: application/activity+json' -d '{}'")
	if status ~= 401 then add("a POST to the inbox answers %d; 401 (not signed) is wanted", status) end
	for name, look in pairs(pages.direct(s, host, post)) do
		if look.status ~= look.usual then add("%s (%s) answers %s; %s is wanted", name, look.path, look.status, look.usual) end
	end
	table.sort(problems)
	for _, text in ipairs(pages.build(s, host).wrong) do add("%s", text) end
	local total, samples = pages.errors(host, mastodon.units(s.site, host, "web"), pages.workers_since(host, mastodon.units(s.site, host, "web")) or 0)
	local mute = {}
	for _, name in ipairs(mastodon.units(s.site, host, "web")) do
		if services.is_mute(host, name) then mute[#mute + 1] = name end
	end
	if #mute > 0 then
		s:warn(("%s: what %s says does not come to the journal, so errors since its start were not looked for: look where its unit sends them (StandardOutput=)."):format(host,
			table.concat(mute, ", ")))
	elseif total > 0 then
		s:warn(("%s: %s of errors in the web's journal since its start. Most often:\n%s"):format(host, counted(total, "line tells", "lines tell"), table.concat(samples, "\n")))
	else
		s:note(host .. ": no errors in the web's journal since its start.")
	end
	return problems
end

-- Streaming on a host: healthy, and it refuses strangers as it should.
function M.streaming_problems(s, host)
	local problems = {}
	for _, place in ipairs(services.streaming_places(s, host)) do
		local where = ("%s: streaming at %s"):format(host, units.place_text(place))
		if not services.streaming_answers(s, host, place) then
			problems[#problems + 1] = where .. " does not answer OK (see journalctl -u 'mastodon-streaming*')"
		else
			local answer = mastodon.read(s, host, "curl -sS -m 20 " .. units.curl_place(place, "/api/v1/streaming/user"), { check = false })
			if not answer.out:find("Missing access token", 1, true) then
				problems[#problems + 1] = where .. " should say “Missing access token” to a stranger, and says: " .. trim(answer.out):sub(1, 120)
			end
		end
	end
	return problems
end

-- Sidekiq: every queue served, by the right version, on our hosts alone, and its counter moves.
function M.sidekiq_problems(s, site, gem, with_fasp)
	local first, problems = sidekiq.look(s, site), {}
	local missing = sidekiq.unserved(first, with_fasp)
	if #missing > 0 then problems[1] = "no Sidekiq process serves the queues " .. table.concat(missing, ", ") end
	for _, p in ipairs(first.processes) do
		if p.quiet then problems[#problems + 1] = ("Sidekiq on %s (pid %s) is quiet: it takes no jobs until it is restarted"):format(p.hostname, p.pid) end
		if gem and (p.version or gem:match("^6.*") or ""):sub(1, #gem) ~= gem then
			problems[#problems + 1] = ("Sidekiq %s runs on %s (pid %s), and %s.x belongs to the new code: a process of the old version is left")
				:format(p.version or "before 7", p.hostname, p.pid, gem)
		end
	end
	for _, who in ipairs(sidekiq.strangers(s, site, first)) do
		problems[#problems + 1] = "a Sidekiq process runs on a host that the fleet file does not know: " .. who
	end
	if #problems > 0 then return problems end
	local state
	for i = 1, 30 do
		state = sidekiq.look(s, site)
		if state.processed > first.processed then return problems end
		sleep("2s", { what = "waiting for Sidekiq to do a job", look = i, of = 30, seen = ("%d done since it began"):format(state.processed) })
	end
	for _, queue in ipairs(state.queues) do
		if queue.size > 0 then return { ("Sidekiq does not work: the queue %s holds %d jobs, and none was done for a minute"):format(queue.name, queue.size) } end
	end
	s:warn "For a minute no job came in, so whether Sidekiq works was not seen."
	return problems
end

-- What the public address answers now; told where it was looked from. Kept, so that only what becomes different is a fault.
function M.outside(s, site, user)
	local from = mastodon.outside_host(s, site)
	if from then s:note(("This machine does not know the name %s: looked from %s instead."):format(mastodon.web(s), from)) end
	return pages.look(s, site, user, from)
end

-- The public address against what it answered before: web, streaming, webfinger, actor, inbox, a page of each layout with what it wants.
function M.outside_problems(s, site, before)
	local now = M.outside(s, site, before.user)
	local was = before.outside or { looks = {}, files = {} }
	local faults, known = pages.differences(s, was, now)
	local build = pages.build(s, mastodon.hosts_with(s, site, "web")[1])
	for _, text in ipairs(known) do s:note(text .. ".") end
	for _, text in ipairs(pages.file_faults(was, now, build.count > 0 and build.names or nil)) do faults[#faults + 1] = text end
	local key = now.looks["the actor"] and now.looks["the actor"].key
	if before.key and key and key:gsub("\\n", "\n") ~= before.key then
		faults[#faults + 1] = "the public key of @" .. before.user .. " is not the same as before"
	end
	return faults
end

-- What is not as usual already: said before anything is changed, because it cannot be proved afterwards.
function M.outside_before(s, before)
	local _, known = pages.differences(s, before.outside, before.outside)
	for _, text in ipairs(known) do
		s:warn((text:gsub(" answers (.-) as it did before", " answers %1 now")) .. ". It is no fault of the upgrade, and is compared with this afterwards.")
	end
end

-- ---- asked all the while ----

-- The site is asked once a second from here on, on ways that no cache answers: refused and slow answers are counted until the end.
function M.watch(s)
	local token = s.fleet.mastodon and s.fleet.mastodon.probe_token
	local headers = { ["Content-Type"] = "application/activity+json", Accept = "application/json" }
	local asks = { { name = "POST /inbox", url = mastodon.url(s) .. "/inbox", method = "POST", body = "{}", headers = headers, want = { 401 } } }
	if token then
		asks[#asks + 1] = { name = "a member's timeline", url = mastodon.url(s) .. "/api/v1/timelines/home?limit=1", token = token, every = "4s",
			headers = { Accept = "application/json" }, want = { 200 } }
		asks[#asks + 1] = { name = "a member's post (empty)", url = mastodon.url(s) .. "/api/v1/statuses", method = "POST", body = "status=", token = token,
			every = "4s", headers = { Accept = "application/json" }, want = { 422 } }
	end
	local looks, unproven = outside.look { asks = asks }.looks, {}
	for i, look in ipairs(looks) do
		if look.certificate then
			for k = #asks, 1, -1 do
				if asks[k].token then table.remove(asks, k) else asks[k].any_certificate = true end
			end
			token = nil
			unproven[#unproven + 1] = "that the certificate is good (it is not trusted on this computer)"
			looks = outside.look { asks = asks }.looks
			break
		elseif i > 1 and not look.wanted and look.status == 401 then
			s:warn(("The token in the fleet file (mastodon.probe_token) is not taken: %s. The upgrade goes on without it."):format(look.text))
			asks[i].skip = true
		end
	end
	for i = #asks, 1, -1 do
		if asks[i].skip then
			table.remove(asks, i)
			table.remove(looks, i)
			token = nil
		end
	end
	if #looks[1].body > 0 and looks[1].status == 401 and not looks[1].body:find("not signed", 1, true) then
		unproven[#unproven + 1] = "anything behind the proxy: it answers 401 itself" .. (looks[1].auth and " (it wants a password)" or "")
	elseif not looks[1].wanted then
		s:warn(("POST /inbox answers %s now: what becomes of it is compared with that."):format(looks[1].status == 0 and looks[1].text or looks[1].status))
		if looks[1].status ~= 0 and looks[1].status < 500 then asks[1].want = { 401, looks[1].status } end
		unproven[#unproven + 1] = ("that the inbox works: it answered %s before the first change"):format(looks[1].status == 0 and "nothing" or looks[1].status)
	end
	if not token then
		unproven[#unproven + 1] = "that members can read and post: the inbox answers 401 for minutes with a dead database (a member's token as mastodon.probe_token in the fleet file would show it)"
	end
	outside.watch { asks = asks, slow = "3s", unproven = #unproven > 0 and table.concat(unproven, "; ") or nil }
end

-- ---- around the checkout ----

-- Asks every kind of page of the running web, so that its templates are in memory before others lie on the disk. Returns what they answered, by host.
function M.warm(s, site, user)
	local found, post = {}, pages.post(s, site)
	for _, host in ipairs(mastodon.hosts_with(s, site, "web")) do found[host] = pages.warm(s, host, post, user, 12) end
	return found
end

-- Pages that answered before and are an error now, by host, in words.
function M.broken(s, site, user, warm)
	local list, post = {}, pages.post(s, site)
	for _, host in ipairs(mastodon.hosts_with(s, site, "web")) do
		for path, status in pairs(pages.warm(s, host, post, user, 4)) do
			if (tonumber(status) or 0) >= 500 and (tonumber((warm[host] or {})[path]) or 0) < 500 then
				list[#list + 1] = ("%s: %s answers %s since the other code lies there"):format(host, path, status)
			end
		end
	end
	table.sort(list)
	return list
end

function M.broken_words(broken)
	return ("Members meet errors until the web is restarted, and checking out again what was there before does not mend it:\n- %s"):format(table.concat(broken, "\n- "))
end

return M
