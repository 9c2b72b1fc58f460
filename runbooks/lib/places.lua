-- places.lua - where the settings of the first app host say that database and Redis are, refused in words where that is not understood.
-- SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local settings = require "settings"
local M = {}

-- Settings that lead somewhere: when one of these is made by a command, nobody but Ruby knows where.
local LEADS = { "^DB_", "^DATABASE_URL$", "REDIS_", "^LOCAL_DOMAIN$", "^WEB_DOMAIN$" }

local function check_commands(host, h)
	for name, file in pairs(h.command) do
		for _, pattern in ipairs(LEADS) do
			check(not name:find(pattern), ("%s: %s in %s is the output of a command ($(…)). This runbook runs no command that stands in a settings file, "
				.. "so it does not know the value: write the value itself there"):format(host, name, file))
		end
	end
end

local function check_read(s, host, h)
	local live = mastodon.live(s)
	check(not h.env_broken, ("%s: Mastodon does not start with these settings, dotenv refuses them: %s"):format(host, h.env_broken or ""))
	check(not h.env_lost, ("%s: the unit %s has EnvironmentFile=%s, which could not be read"):format(host, h.settings_unit or "?", trim(h.env_lost or "")))
	local read = trim(h.env_files or "")
	check(h.env.LOCAL_DOMAIN, ("%s: no LOCAL_DOMAIN was found. Looked for were %s/.env.production (and .env, .env.local beside it) and the environment of the "
		.. "unit %s; read were: %s. Say in the fleet file where Mastodon lies (live), or in the unit where its settings are (EnvironmentFile=)")
		:format(host, live, h.settings_unit or "(there is none)", read ~= "" and read or "none"))
	check(h.env.LOCAL_DOMAIN:lower() == mastodon.domain(s):lower(), ("the fleet file says %s, but LOCAL_DOMAIN on %s is %s (from %s)")
		:format(mastodon.domain(s), host, h.env.LOCAL_DOMAIN, read))
end

-- Asks the Sentinels, one after the other, where the master is now.
local function resolve(s, site, place)
	if not place.sentinels then return end
	check(not place.locked, ("%s is set: this runbook cannot log in to a Sentinel. Nothing was begun; it would look at the wrong Redis"):format(place.locked or ""))
	local said = {}
	for _, one in ipairs(place.sentinels) do
		local answer = mastodon.read(s, site.first, ("redis-cli -h %s -p %d SENTINEL get-master-addr-by-name %s"):format(q(one.host), one.port, q(place.master)),
			{ check = false })
		local host, port = answer.out:match("^(%S+)%s+(%d+)%s*$")
		if host then
			place.host, place.port = host, tonumber(port)
			return
		end
		said[#said + 1] = ("%s:%d: %s"):format(one.host, one.port, trim(answer.out .. answer.err):sub(1, 120))
	end
	fail(("No Sentinel names a master for %s, so it is not known where Redis is:\n- %s"):format(place.master, table.concat(said, "\n- ")))
end

local function redis_of(s, site, h, kind)
	local place, why = settings.redis_place(h, kind)
	check(place, ("%s: %s. Nothing was begun"):format(site.first, tostring(why)))
	resolve(s, site, place)
	place.prefix = h.env.REDIS_NAMESPACE and h.env.REDIS_NAMESPACE .. ":" or ""
	return place
end

-- The Redis servers of Mastodon that are not the same one: { {label, place} … }, Sidekiq's first.
local function distinct(list)
	local kept, seen = {}, {}
	for _, one in ipairs(list) do
		local key = one.place.path or one.place.host .. " " .. one.place.port
		if not seen[key] then
			seen[key] = true
			kept[#kept + 1] = one
		end
	end
	return kept
end

-- Gives site.db (where the settings lead), site.redis (Sidekiq's), site.redises (each to keep), site.web_domain.
function M.find(s, site)
	local h, why = site.hosts[site.first]
	check_read(s, site.first, h)
	for _, host in ipairs(s:all "app") do check_commands(host, site.hosts[host]) end
	site.db, why = settings.db_place(h, mastodon.user(s))
	check(site.db, ("%s: %s. Nothing was begun"):format(site.first, tostring(why)))
	site.redis = redis_of(s, site, h, "SIDEKIQ_")
	site.redises = distinct { { label = "", place = site.redis }, { label = "-timelines", place = redis_of(s, site, h, "") },
		{ label = "-cache", place = redis_of(s, site, h, "CACHE_") } }
	site.web_domain = h.env.WEB_DOMAIN
end

return M
