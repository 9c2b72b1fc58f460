-- sidekiq.lua - Sidekiq through Redis and systemd: its processes and queues, quiet, drained, started again.
-- SPDX-License-Identifier: GPL-3.0-or-later
local hosts = require "hosts"
local mastodon = require "mastodon"
local services = require "services"
local units = require "units"
local M = {}

-- Everything in one look; run inside Redis, so that it is of one instant. Of jobs only the time is taken.
local LOOK = [[local p, r = ARGV[1], { processes = {}, queues = {} }
for _, id in ipairs(redis.call('SMEMBERS', p .. 'processes')) do
  local h = redis.call('HMGET', p .. id, 'info', 'busy', 'quiet', 'beat', 'concurrency')
  if h[1] then table.insert(r.processes, { id = id, info = cjson.decode(h[1]), busy = tonumber(h[2]), quiet = h[3] == 'true', beat = tonumber(h[4]) }) end
end
for _, name in ipairs(redis.call('SMEMBERS', p .. 'queues')) do
  local oldest, at = redis.call('LINDEX', p .. 'queue:' .. name, -1)
  if oldest then at = cjson.decode(oldest).enqueued_at end
  table.insert(r.queues, { name = name, size = redis.call('LLEN', p .. 'queue:' .. name), at = at })
end
r.processed = tonumber(redis.call('GET', p .. 'stat:processed') or 0)
r.retry = redis.call('ZCARD', p .. 'retry')
r.now = tonumber(redis.call('TIME')[1])
return cjson.encode(r)]]

-- Sidekiq 8 writes milliseconds, older ones seconds.
local function seconds(at)
	if type(at) ~= "number" then return 0 end
	return at > 1e11 and at / 1000 or at
end

-- Seconds that the oldest job waits.
local function latency(at, now)
	return type(at) == "number" and math.max(0, math.floor(now - seconds(at))) or 0
end

-- { processes = { {id, hostname, pid, version, queues, busy, quiet, started, silent (seconds since it told Redis of itself)} … }, queues = { {name, size, latency} … }, processed, retry, now }
function M.look(s, site)
	local answer = mastodon.read(s, site.first, mastodon.redis(site, ("EVAL %s 0 %s"):format(q(LOOK), q(site.redis.prefix))))
	local ok, raw = pcall(json.decode, answer.out)
	check(ok and type(raw) == "table" and raw.now, "Redis did not answer as expected: " .. trim(answer.out):sub(1, 200))
	local state = { processes = {}, queues = {}, processed = raw.processed or 0, retry = raw.retry, now = raw.now }
	for _, p in ipairs(raw.processes) do
		if raw.now - (p.beat or 0) < 60 and not (site.dead or {})[p.id] then
			state.processes[#state.processes + 1] = { id = p.id, hostname = p.info.hostname, pid = p.info.pid, version = p.info.version,
				queues = p.info.queues, busy = p.busy or 0, quiet = p.quiet, started = seconds(p.info.started_at), silent = raw.now - (p.beat or 0) }
		end
	end
	table.sort(state.processes, function(a, b) return a.id < b.id end)
	for _, queue in ipairs(raw.queues) do
		state.queues[#state.queues + 1] = { name = queue.name, size = queue.size, latency = latency(queue.at, raw.now) }
	end
	table.sort(state.queues, function(a, b) return a.name < b.name end)
	return state
end

-- The host of the fleet file where that process runs.
function M.host_of(site, p)
	for host, h in pairs(site.hosts) do
		if h.hostname == p.hostname then return host end
	end
end

-- The processes in Redis that no longer live on their hosts are left out from now on: after a kill or a power cut Redis knows one for a
-- minute more, and a new one may even have its number, so its age counts, too.
function M.bury(s, site)
	local by_host = {}
	for _, p in ipairs(M.look(s, site).processes) do
		local host = M.host_of(site, p)
		if host then
			by_host[host] = by_host[host] or {}
			table.insert(by_host[host], p)
		end
	end
	site.dead = site.dead or {}
	for _, host in ipairs(s:all "app") do
		local pids, living = {}, {}
		for _, p in ipairs(by_host[host] or {}) do pids[#pids + 1] = ("%d"):format(p.pid) end
		if #pids > 0 then
			local out = mastodon.root_read(host, "date +%s; ps -o pid=,etimes= -p " .. table.concat(pids, ","), { check = false }).out
			local now = tonumber(out:match("^(%d+)"))
			check(now, host .. ": its processes could not be looked at: " .. trim(out):sub(1, 100))
			for pid, age in out:gmatch("\n%s*(%d+)%s+(%d+)") do living[tonumber(pid)] = now - tonumber(age) end
			for _, p in ipairs(by_host[host]) do
				local began = living[p.pid]
				if not began or p.started < began - 5 then site.dead[p.id] = true end
			end
		end
	end
end

-- Which process of Redis is which unit's: a look at the host now. { unit → { {pid, started, redis = p or nil} … } }, and those of no unit.
function M.by_unit(s, site, host, state)
	local found = units.look(host, mastodon.live(s), mastodon.named_units(s))
	local known, map, strays = {}, {}, {}
	for _, p in ipairs(state.processes) do
		if p.hostname == site.hosts[host].hostname then known[p.pid] = p end
	end
	for _, p in ipairs(found.processes) do
		if p.kind == "sidekiq" and p.ours and not p.helper_of then
			local one = { pid = p.pid, started = p.started, redis = known[p.pid], args = p.args }
			if p.unit then
				map[p.unit] = map[p.unit] or {}
				table.insert(map[p.unit], one)
			else
				strays[#strays + 1] = one
			end
		end
	end
	return map, strays, found
end

-- Units that are up without a process that Redis knows: { host, unit, pid or nil }.
local function unknown(s, site)
	local state, list = M.look(s, site), {}
	for _, host in ipairs(mastodon.hosts_with(s, site, "sidekiq")) do
		local map, _, found = M.by_unit(s, site, host, state)
		for _, name in ipairs(mastodon.units(site, host, "sidekiq")) do
			local known, pid = false, nil
			for _, p in ipairs(map[name] or {}) do
				known, pid = known or p.redis ~= nil, p.pid
			end
			if found.units[name] and units.is_up(found.units[name]) and not known then list[#list + 1] = { host = host, unit = name, pid = pid } end
		end
	end
	return list
end

-- The same in words, looked at until a heartbeat (10 s, and as long again for a start) must have come: a wrong Redis is asked, or the
-- process never gets that far.
function M.unknown_problems(s, site)
	local missing, list = {}, {}
	pcall(retry, { times = 20, every = "1s", waiting = "for Redis to know every Sidekiq" }, function()
		missing = unknown(s, site)
		return #missing == 0
	end)
	for _, one in ipairs(missing) do
		local state = services.state(one.host, { one.unit })[one.unit] or {}
		if state.active == "failed" or (state.restarts or 0) >= 3 then
			list[#list + 1] = services.failure(one.host, one.unit, state)
		else
			list[#list + 1] = ("%s: %s runs (pid %s), but Redis at %s does not know it: it is not the Redis that this Sidekiq uses, or Sidekiq does not get that "
				.. "far. Its log says:\n%s"):format(one.host, one.unit, tostring(one.pid or "changing"), M.redis_text(site), services.log(one.host, { one.unit }))
		end
	end
	return list
end

function M.redis_text(site)
	return ("%s:%s/%s"):format(tostring(site.redis.host), tostring(site.redis.port), tostring(site.redis.db))
end

-- How many processes serve each queue.
function M.served(state)
	local map = {}
	for _, p in ipairs(state.processes) do
		for _, name in ipairs(p.queues or {}) do map[name] = (map[name] or 0) + 1 end
	end
	return map
end

-- Queues that some process must serve.
M.needed = { "default", "push", "ingress", "mailers", "pull", "scheduler" }

-- Which of the needed queues nobody serves. with_fasp: since 4.4.
function M.unserved(state, with_fasp)
	local served, missing = {}, {}
	for _, p in ipairs(state.processes) do
		for _, name in ipairs(p.queues or {}) do served[name] = true end
	end
	for _, name in ipairs(M.needed) do if not served[name] then missing[#missing + 1] = name end end
	if with_fasp and not served.fasp then missing[#missing + 1] = "fasp" end
	return missing
end

-- Queues that the code that lies there brings are served once the process runs it: of one that was started before, they are not demanded.
function M.any_older(state, since)
	for _, p in ipairs(state.processes) do
		if since[p.hostname] and p.started <= since[p.hostname] then return true end
	end
	return false
end

-- Processes that run where no host of the fleet file is.
function M.strangers(_, site, state)
	local known, list = {}, {}
	for _, h in pairs(site.hosts) do known[h.hostname] = true end
	for _, p in ipairs(state.processes) do
		if not known[p.hostname] then list[#list + 1] = ("%s (pid %s, Sidekiq %s)"):format(p.hostname, p.pid, p.version or "before 7") end
	end
	return list
end

-- since: time by hostname, of our hosts. Was it started before?
local function is_older(p, since)
	return since[p.hostname] ~= nil and p.started <= since[p.hostname]
end

-- One that is to end: it has been told to be quiet, or was started before.
local function is_old(p, since)
	return since[p.hostname] ~= nil and p.quiet or is_older(p, since)
end

M.is_old = is_old

-- Of the processes that were started before, or are quiet, those that work on a job or would take one.
function M.at_work(state, since)
	local list = {}
	for _, p in ipairs(state.processes) do
		if is_old(p, since) and (p.busy > 0 or not p.quiet) then list[#list + 1] = p end
	end
	return list
end

-- Does this host have a process that was started before and still takes jobs?
function M.takes_jobs(state, hostname, since)
	for _, p in ipairs(state.processes) do
		if p.hostname == hostname and is_older(p, since) and not p.quiet then return true end
	end
	return false
end

-- The host's name for itself → since when a process there runs the code that lies there.
function M.coded_since(s, site)
	local since = {}
	for host, at in pairs(hosts.on_all(s, function(host) return mastodon.code_since(s, host) end)) do since[site.hosts[host].hostname] = at end
	return since
end

-- Has this host a process that takes jobs, and none that is quiet or was started before?
function M.is_renewed(state, hostname, since)
	local new = false
	for _, p in ipairs(state.processes) do
		if p.hostname == hostname then
			if is_old(p, since) then return false end
			new = true
		end
	end
	return new
end

-- Processes that should be gone: those from before the restart, and those on hosts that nobody knows.
function M.leftovers(s, site, since)
	local state = M.look(s, site)
	local list = M.strangers(s, site, state)
	for _, p in ipairs(state.processes) do
		if is_older(p, since) then list[#list + 1] = ("%s (pid %s, from before the restart)"):format(p.hostname, p.pid) end
	end
	return list
end

-- What tells a unit's Sidekiq. Where a shell stands before it, that one would be halted, and Sidekiq would not hear of it. processes: of the host.
local function quiet_cmd(unit, main, processes)
	local pids, own = {}, false
	for _, p in ipairs(processes) do
		if p.kind == "sidekiq" and p.unit == unit and not p.helper_of then
			own = own or p.pid == main
			pids[#pids + 1] = ("%d"):format(p.pid)
		end
	end
	return (own or #pids == 0) and "systemctl kill -s TSTP --kill-who=main " .. q(unit) or "kill -TSTP " .. table.concat(pids, " ")
end

-- Tells every Sidekiq of a host to take no new jobs. There is no way to take that back but a restart. The main process alone is
-- told: its helpers (ffmpeg) would be halted by TSTP.
-- A unit that does not run now has nothing to be told.
function M.quiet(s, site, host, only)
	local names = only and { only } or mastodon.units(site, host, "sidekiq")
	if #names == 0 then return end
	local state, processes = services.state(host, names), units.look(host, mastodon.live(s), mastodon.named_units(s)).processes
	for _, unit in ipairs(names) do
		local pid = (state[unit] or {}).pid or 0
		if pid > 0 then mastodon.root_run(host, quiet_cmd(unit, pid, processes)) end
	end
end

local DEAF = 20	-- looks; a process that was told to be quiet says so within 10 s

-- What a process is, for people: with its unit, or that it has none.
local function described(s, site, p)
	local host = M.host_of(site, p)
	local map, strays = {}, {}
	if host then map, strays = M.by_unit(s, site, host, { processes = { p } }) end
	for name, list in pairs(map) do
		for _, one in ipairs(list) do
			if one.pid == p.pid then return ("%s: %s (pid %d)"):format(host, name, p.pid), name end
		end
	end
	for _, one in ipairs(strays) do
		if one.pid == p.pid then return ("%s: pid %d, in no unit: %s"):format(host, p.pid, one.args) end
	end
	return ("%s: pid %d"):format(p.hostname, p.pid)
end

local SILENT = 20	-- seconds; a process tells Redis of itself every 10 s

-- "app1: jobs at work: 2, app2: not quiet yet". Only Redis is asked here: a host that stands still or is cut off shows by its heartbeats.
function M.at_work_words(busy)
	local list = {}
	for _, p in ipairs(busy) do
		list[#list + 1] = (p.quiet and ("%s: jobs at work: %d"):format(p.hostname, p.busy) or p.hostname .. ": not quiet yet")
			.. (p.silent and p.silent >= SILENT and (" (NOTHING HEARD of it for %d s: does %s answer?)"):format(p.silent, p.hostname) or "")
	end
	return table.concat(list, ", ")
end

-- True when no process that is to end works on a job or would take one. Looks until then, `limit` seconds at most. One that stays
-- loud was started after all were told (its host had lost power, say), and is told too; one of no unit nobody can tell: that ends it.
function M.drained(s, site, since, limit)
	local looks, loud = math.max(1, limit), {}
	for i = 1, looks do
		local busy = M.at_work(M.look(s, site), since)
		if #busy == 0 then return true end
		for _, p in ipairs(busy) do
			loud[p.id] = p.quiet and 0 or (loud[p.id] or 0) + 1
			if loud[p.id] == DEAF then
				local _, unit = described(s, site, p)
				if not unit then return false end
				M.quiet(s, site, M.host_of(site, p), unit)
			end
		end
		if i < looks then sleep("1s", { what = "waiting for Sidekiq's jobs to end", look = i, of = looks, seen = M.at_work_words(busy) }) end
	end
	return false
end

-- Waits for the jobs of processes that are to end, and asks when that takes longer than `limit` seconds. True when a person said that
-- jobs may be lost.
function M.drain(s, site, since, limit)
	M.bury(s, site)
	while not M.drained(s, site, since, limit) do
		M.bury(s, site)
		local busy, jobs = M.at_work(M.look(s, site), since), {}
		if #busy == 0 then return false end
		for _, p in ipairs(busy) do
			jobs[#jobs + 1] = described(s, site, p) .. M.at_work_words({ p }):sub(#p.hostname + 1)
		end
		local answer = s:ask { type = "choice", text = "Sidekiq still works on jobs. What now?",
			details = table.concat(jobs, "\n") .. "\nA job that runs lives only in its process. systemd's usual limit of 15 s for a stop is "
				.. "shorter than the 25 s in which Sidekiq gives unfinished jobs back: such jobs are lost. A process in no unit must be stopped by hand "
				.. "(kill -TSTP PID, and kill PID when its jobs are done).",
			choices = { { value = "wait", label = "Wait on", help = "Looks again for as long as before." },
				{ value = "go", label = "Go on, jobs may be lost", help = "Only when the jobs hang for good." } },
			default = "wait" }
		if answer == "go" then
			s:warn("Sidekiq was not drained: " .. table.concat(jobs, ", "))
			return true
		end
	end
	return false
end

return M
