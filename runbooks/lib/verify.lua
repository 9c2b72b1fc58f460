-- verify.lua - does Mastodon work? Looks from the hosts themselves and from outside; and what must be the same before and after.
-- SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local sidekiq = require "sidekiq"
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

-- The web process of a host: alive, reaches database and Redis, right version, its assets are there.
function M.web_problems(s, host, version)
	local problems = {}
	local function add(text, ...) problems[#problems + 1] = host .. ": " .. text:format(...) end
	if not mastodon.is_healthy(s, host) then
		add("/health does not say OK (see journalctl -u mastodon-web)")
		return problems
	end
	local status, body = fetch(s, host, "/api/v2/instance")
	local instance = parsed(body)
	if status ~= 200 then add("/api/v2/instance answers %d: the process lives, but database or Redis may not be reached", status) end
	if status == 200 and instance.version ~= version then
		add("it says version %s instead of %s", tostring(instance.version), version)
	end
	-- The timeline is read fresh; 401 and 422 may be the server's policy.
	status = fetch(s, host, "/api/v1/timelines/public?local=true&limit=1")
	if status ~= 200 and status ~= 401 and status ~= 422 then add("the public timeline answers %d", status) end
	local _, home = fetch(s, host, "/")
	local seen, bad = 0, nil
	for path in home:gmatch("/packs/[^\"'%s>]+") do
		if seen < 3 then
			seen = seen + 1
			if not mastodon.read(s, host, "test -s " .. q("public" .. path), { check = false }).ok then bad = bad or path end
		end
	end
	if seen == 0 then add("the start page names no assets (/packs/…): assets:precompile was skipped, or CDN_HOST is used") end
	if bad then add("the asset %s is not there: pages would come without style", bad) end
	return problems
end

-- Streaming on a host: healthy, and it refuses strangers as it should.
function M.streaming_problems(s, host)
	local port = s.site.hosts[host].streaming_port or 4000
	local answer = mastodon.read(s, host, ("curl -sS -m 20 http://127.0.0.1:%d/api/v1/streaming/health"):format(port), { check = false })
	if trim(answer.out) ~= "OK" then return { host .. ": streaming does not answer OK (see journalctl -u 'mastodon-streaming*')" } end
	answer = mastodon.read(s, host, ("curl -sS -m 20 http://127.0.0.1:%d/api/v1/streaming/user"):format(port), { check = false })
	if not answer.out:find("Missing access token", 1, true) then
		return { host .. ": streaming should say “Missing access token” to a stranger, and says: " .. trim(answer.out):sub(1, 120) }
	end
	return {}
end

-- Sidekiq: every queue served, by the right version, on our hosts alone, and its counter moves.
function M.sidekiq_problems(s, site, gem, with_fasp)
	local first, problems = sidekiq.look(s, site), {}
	local missing = sidekiq.unserved(first, with_fasp)
	if #missing > 0 then problems[1] = "no Sidekiq process serves the queues " .. table.concat(missing, ", ") end
	for _, p in ipairs(first.processes) do
		if p.quiet then problems[#problems + 1] = ("Sidekiq on %s (pid %s) is quiet: it takes no jobs until it is restarted"):format(p.hostname, p.pid) end
		if gem and (p.version or ""):sub(1, #gem) ~= gem then
			problems[#problems + 1] = ("Sidekiq %s runs on %s (pid %s), and %s.x belongs to the new code: a process of the old version is left")
				:format(p.version, p.hostname, p.pid, gem)
		end
	end
	for _, who in ipairs(sidekiq.strangers(s, site, first)) do
		problems[#problems + 1] = "a Sidekiq process runs on a host that the fleet file does not know: " .. who
	end
	if #problems > 0 then return problems end
	local state
	for _ = 1, 30 do
		state = sidekiq.look(s, site)
		if state.processed > first.processed then return problems end
		sleep "2s"
	end
	for _, queue in ipairs(state.queues) do
		if queue.size > 0 then return { ("Sidekiq does not work: the queue %s holds %d jobs, and none was done for a minute"):format(queue.name, queue.size) } end
	end
	s:warn "For a minute no job came in, so whether Sidekiq works was not seen."
	return problems
end

-- From where the outside is looked at: here, when this machine can resolve the name, else a host without a web process.
local function outside_host(s, site)
	if here.read({ "getent", "hosts", mastodon.web(s) }, { check = false }).code == 0 then return nil end
	local list = s:all "app"
	for _, host in ipairs(list) do
		if #mastodon.units(site, host, "web") == 0 then return host end
	end
	return list[1]
end

-- A request from outside; returns status, body, as the whole way through DNS, TLS and the proxy gives it.
local function outside(s, from, path, extra)
	local cmd = ("curl -sS -m 30 %s -w '\\n%%{http_code}' %s"):format(extra or "", q(mastodon.url(s) .. path))
	local answer = from and mastodon.read(s, from, cmd, { check = false }) or here.read(cmd, { check = false })
	local body, status = answer.out:match("^(.*)\n(%d+)%s*$")
	return tonumber(status) or 0, body or "", trim(answer.err)
end

-- The public address: web, streaming, webfinger, actor, inbox.
function M.outside_problems(s, site, before)
	local from, problems = outside_host(s, site), {}
	local function want(what, path, wanted, extra)
		local status, body, err = outside(s, from, path, extra)
		if status ~= wanted then
			problems[#problems + 1] = ("%s (%s%s) answers %d instead of %d %s"):format(what, mastodon.url(s), path, status, wanted, err)
		end
		return body
	end
	if from then s:note(("This machine does not know the name %s: looked from %s instead."):format(mastodon.web(s), from)) end
	want("the web process", "/health", 200)
	want("streaming", "/api/v1/streaming/health", 200)
	want("webfinger", ("/.well-known/webfinger?resource=acct:%s@%s"):format(before.user, mastodon.domain(s)), 200, "-L")
	local home, assets = want("the start page", "/", 200), 0
	for path in home:gmatch("[\"'](/packs/[^\"'%s>]+)") do
		assets = assets + 1
		if assets <= 3 then want("an asset of the start page", path, 200, "-o /dev/null") end
	end
	local actor = parsed(want("the actor", "/users/" .. before.user, 200, "-H 'Accept: application/activity+json'"))
	local key = type(actor.publicKey) == "table" and actor.publicKey.publicKeyPem
	if before.key and key and key ~= before.key then
		problems[#problems + 1] = "the public key of @" .. before.user .. " is not the same as before"
	end
	want("the inbox (401 means: reached, signature missing)", "/inbox", 401, "-X POST -H 'Content-Type: application/activity+json' -d '{}'")
	return problems
end

return M
