-- renew.lua - Sidekiq processes of the old code end when their jobs are done, and new ones come. SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local services = require "services"
local sidekiq = require "sidekiq"
local M = {}

-- Units of a host whose process is to be another one: it was started before, is quiet, or is not there. What was started anew since then
-- and works is left alone, whatever else runs on its host.
local function old_units(s, site, host, state, since)
	local map, list = sidekiq.by_unit(s, site, host, state), {}
	local before = since[site.hosts[host].hostname] or 0
	for _, name in ipairs(mastodon.units(site, host, "sidekiq")) do
		local old, loud = #(map[name] or {}) == 0, false
		for _, p in ipairs(map[name] or {}) do
			if p.redis then old = old or sidekiq.is_old(p.redis, since) else old = old or p.started - 1 <= before end
			loud = loud or (p.redis ~= nil and not p.redis.quiet)
		end
		if old then list[#list + 1] = { name = name, loud = loud } end
	end
	return list
end

-- Right before it is stopped: whoever runs in the unit by now must be quiet and idle. decided: a person said that jobs may be lost.
local function drain_unit(s, site, host, unit, limit, decided)
	local told = false
	for i = 1, math.max(1, limit) do
		local busy, jobs = false, 0
		for _, p in ipairs(sidekiq.by_unit(s, site, host, sidekiq.look(s, site))[unit] or {}) do
			if p.redis and not p.redis.quiet then
				if not told then sidekiq.quiet(s, site, host, unit) end
				told, busy = true, true
			elseif p.redis and p.redis.busy > 0 and not decided then
				busy, jobs = true, jobs + p.redis.busy
			end
		end
		if not busy then return end
		if i < limit then
			sleep("1s", { what = ("waiting for %s on %s to be idle"):format(unit, host), look = i, of = limit,
				seen = jobs > 0 and ("jobs at work: %d"):format(jobs) or "it was told to take no more jobs" })
		end
	end
	s:warn(("%s on %s was stopped though it was not idle after %d s."):format(unit, host, limit))
end

local function has_renewed(s, site, host, since)
	local state = sidekiq.look(s, site)
	if not sidekiq.is_renewed(state, site.hosts[host].hostname, since) then return false end
	local map = sidekiq.by_unit(s, site, host, state)
	for _, name in ipairs(mastodon.units(site, host, "sidekiq")) do
		local known = false
		for _, p in ipairs(map[name] or {}) do known = known or p.redis ~= nil end
		if not known then return false end
	end
	return true
end

-- since: by hostname, what was started before is to end. limit: seconds for the jobs, then a person is asked.
function M.sidekiq(s, site, since, limit)
	sidekiq.bury(s, site)
	local state, plan, hosts, waking = sidekiq.look(s, site), {}, {}, {}
	for _, host in ipairs(mastodon.hosts_with(s, site, "sidekiq")) do
		waking[host] = services.waking(host, mastodon.units(site, host, "sidekiq"))
		plan[host] = old_units(s, site, host, state, since)
		if #plan[host] > 0 then hosts[#hosts + 1] = host end
	end
	local decided = false
	for _, host in ipairs(hosts) do
		for _, unit in ipairs(plan[host]) do
			if unit.loud then sidekiq.quiet(s, site, host, unit.name) end
		end
	end
	retry({ times = 1, what = "Sidekiq's jobs could not be waited for" }, function()
		decided = sidekiq.drain(s, site, since, limit) or false
		return true
	end)
	local starts = {}
	each(hosts, function(host)
		starts[host] = trim(mastodon.root_read(host, "date +%s").out)
		for _, unit in ipairs(plan[host]) do
			retry({ times = 1, what = "it could not be seen whether its jobs are done" }, function()
				drain_unit(s, site, host, unit.name, limit, decided)
				return true
			end)
			local start = services.start_cmd(unit.name, waking[host], "start")
			mastodon.root_run(host, ("systemctl stop %s; %s"):format(q(unit.name), start))
		end
	end)
	each(mastodon.hosts_with(s, site, "sidekiq"), function(host)
		services.await(host, mastodon.units(site, host, "sidekiq"), starts[host], 90, "its new Sidekiq does not show in Redis", function()
			return has_renewed(s, site, host, since)
		end)
	end)
end

return M
