-- sidekiq.lua - Sidekiq through Redis and systemd: its processes and queues, quiet, drained, started again.
-- SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
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

-- Seconds that the oldest job waits. Sidekiq 8 writes milliseconds, older ones seconds.
local function latency(at, now)
	if type(at) ~= "number" then return 0 end
	if at > 1e11 then at = at / 1000 end
	return math.max(0, math.floor(now - at))
end

-- { processes = { {id, hostname, pid, version, queues, busy, quiet} … }, queues = { {name, size, latency} … }, processed, retry, now }
function M.look(s, site)
	local answer = mastodon.read(s, site.first, mastodon.redis(site, ("EVAL %s 0 %s"):format(q(LOOK), q(site.redis.prefix))))
	local ok, raw = pcall(json.decode, answer.out)
	check(ok and type(raw) == "table" and raw.now, "Redis did not answer as expected: " .. trim(answer.out):sub(1, 200))
	local state = { processes = {}, queues = {}, processed = raw.processed or 0, retry = raw.retry, now = raw.now }
	for _, p in ipairs(raw.processes) do
		if raw.now - (p.beat or 0) < 60 then
			state.processes[#state.processes + 1] = { id = p.id, hostname = p.info.hostname, pid = p.info.pid, version = p.info.version,
				queues = p.info.queues, busy = p.busy or 0, quiet = p.quiet }
		end
	end
	table.sort(state.processes, function(a, b) return a.id < b.id end)
	for _, queue in ipairs(raw.queues) do
		state.queues[#state.queues + 1] = { name = queue.name, size = queue.size, latency = latency(queue.at, raw.now) }
	end
	table.sort(state.queues, function(a, b) return a.name < b.name end)
	return state
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

-- Processes that run where no host of the fleet file is.
function M.strangers(_, site, state)
	local known, list = {}, {}
	for _, h in pairs(site.hosts) do known[h.hostname] = true end
	for _, p in ipairs(state.processes) do
		if not known[p.hostname] then list[#list + 1] = ("%s (pid %s, Sidekiq %s)"):format(p.hostname, p.pid, p.version) end
	end
	return list
end

-- Ids of the processes that are there now.
function M.ids(state)
	local list = {}
	for _, p in ipairs(state.processes) do list[#list + 1] = p.id end
	return list
end

local function as_set(list)
	local set = {}
	for _, id in ipairs(list or {}) do set[id] = true end
	return set
end

-- Those of the old processes that still run; busy ones only when asked.
function M.remaining(state, old, only_busy)
	local set, list = as_set(old), {}
	for _, p in ipairs(state.processes) do
		if set[p.id] and (not only_busy or p.busy > 0 or not p.quiet) then list[#list + 1] = p end
	end
	return list
end

-- Has this host a process that takes jobs, and none of the old ones?
function M.is_renewed(state, hostname, old)
	local set, new = as_set(old), false
	for _, p in ipairs(state.processes) do
		if p.hostname == hostname and set[p.id] then return false end
		new = new or p.hostname == hostname and not p.quiet
	end
	return new
end

-- Processes that should be gone: those of before the restart, and those on hosts that nobody knows.
function M.leftovers(s, site, old)
	local state = M.look(s, site)
	local list = M.strangers(s, site, state)
	for _, p in ipairs(M.remaining(state, old)) do list[#list + 1] = ("%s (pid %s, from before the restart)"):format(p.hostname, p.pid) end
	return list
end

-- Tells every Sidekiq of a host to take no new jobs. There is no way to take that back but a restart. The main process alone is
-- told: its helpers (ffmpeg) would be halted by TSTP.
function M.quiet(site, host)
	for _, unit in ipairs(mastodon.units(site, host, "sidekiq")) do
		mastodon.root_run(host, "systemctl kill -s TSTP --kill-who=main " .. q(unit))
	end
end

-- True when none of the old processes works on a job or would take one. Looks until then, `seconds` at most.
function M.drained(s, site, old, seconds)
	local looks = math.max(1, seconds)
	for i = 1, looks do
		if #M.remaining(M.look(s, site), old, true) == 0 then return true end
		if i < looks then sleep "1s" end
	end
	return false
end

-- Waits for jobs to end, and asks when that takes longer than `seconds`.
function M.drain(s, site, old, seconds)
	while not M.drained(s, site, old, seconds) do
		local busy, jobs = M.remaining(M.look(s, site), old, true), {}
		if #busy == 0 then return end
		for _, p in ipairs(busy) do
			jobs[#jobs + 1] = p.quiet and ("%s: jobs at work: %d"):format(p.hostname, p.busy) or p.hostname .. ": not quiet yet"
		end
		local answer = s:ask { type = "choice", text = "Sidekiq still works on jobs. What now?",
			details = table.concat(jobs, "\n") .. "\nA job that runs lives only in its process. systemd's usual limit of 15 s for a stop is "
				.. "shorter than the 25 s in which Sidekiq gives unfinished jobs back: such jobs are lost.",
			choices = { { value = "wait", label = "Wait on", help = "Looks again for as long as before." },
				{ value = "go", label = "Go on, jobs may be lost", help = "Only when the jobs hang for good." } },
			default = "wait" }
		if answer == "go" then
			s:warn("Sidekiq was not drained: " .. table.concat(jobs, ", "))
			return
		end
	end
end

return M
