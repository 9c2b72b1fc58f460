-- compare.lua - the settings of several hosts against one another, without a value leaving its host. SPDX-License-Identifier: GPL-3.0-or-later
local hosts = require "hosts"
local mastodon = require "mastodon"
local settings = require "settings"
local sorted = require "sorted"
local M = {}

-- What belongs to one host: how much it may use, where it listens, what is near to it.
local OWN = { PORT = true, BIND = true, SOCKET = true, DB_POOL = true, MAX_THREADS = true, MIN_THREADS = true, RAILS_MAX_THREADS = true, WEB_CONCURRENCY = true,
	SIDEKIQ_CONCURRENCY = true, STREAMING_CLUSTER_NUM = true, MALLOC_ARENA_MAX = true, MALLOC_CONF = true, RUBY_YJIT_ENABLE = true, LD_PRELOAD = true, RAILS_LOG_LEVEL = true, RAILS_LOG_TO_STDOUT = true,
	RAILS_SERVE_STATIC_FILES = true, NODE_ENV = true, RAILS_ENV = true, PATH = true, LANG = true, TZ = true, PERSISTENT_TIMEOUT = true }
local OWN_PREFIX = { "^MASTODON_PROMETHEUS_", "^OTEL_", "^PUMA_" }

-- Two answers to one question: with these different the hosts are not one server.
local SAME = { SECRET_KEY_BASE = true, LOCAL_DOMAIN = true, WEB_DOMAIN = true, DB_NAME = true, VAPID_PRIVATE_KEY = true, VAPID_PUBLIC_KEY = true,
	ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY = true, ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT = true, ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY = true,
	OTP_SECRET = true, REDIS_NAMESPACE = true }

local function is_own(name)
	if OWN[name] then return true end
	for _, pattern in ipairs(OWN_PREFIX) do
		if name:find(pattern) then return true end
	end
	return false
end

-- host → { NAME → digest }, of what the services there read: files, and what their unit says before them.
function M.look(s)
	return hosts.ask_all(s, function(host)
		return settings.digests(host, mastodon.live(s), mastodon.user(s), s.site.hosts[host].settings_unit)
	end)
end

-- One setting over the hosts: nil when it is the same, else words.
local function differing(list, all, name)
	local have, miss, values, n = {}, {}, {}, 0
	for _, host in ipairs(list) do
		local digest = all[host][name]
		if digest then
			have[#have + 1] = host
			if not values[digest] then n = n + 1 end
			values[digest] = values[digest] or {}
			table.insert(values[digest], host)
		else
			miss[#miss + 1] = host
		end
	end
	if #miss > 0 then return ("%s is missing on %s, and set on %s"):format(name, table.concat(miss, ", "), table.concat(have, ", ")) end
	if n < 2 then return nil end
	local groups = {}
	for _, host in ipairs(list) do
		local digest = all[host][name]
		if values[digest] then groups[#groups + 1] = table.concat(values[digest], ", ") end
		values[digest] = nil
	end
	return ("%s is not the same on %s"):format(name, table.concat(groups, " as on "))
end

-- Problems and warnings in words. otp: whether OTP_SECRET still matters (before 4.4).
function M.judge(list, all, otp)
	local problems, warnings, names = {}, {}, {}
	for _, host in ipairs(list) do
		for name in pairs(all[host]) do names[name] = true end
	end
	-- With another SECRET_KEY_BASE every other digest differs, too: only what is missing can be told then.
	local base = differing(list, all, "SECRET_KEY_BASE")
	for name in sorted(names) do
		local text = not is_own(name) and differing(list, all, name)
		if text and base and name ~= "SECRET_KEY_BASE" and not text:find("is missing", 1, true) then text = nil end
		if text and SAME[name] and (name ~= "OTP_SECRET" or otp) then
			problems[#problems + 1] = text
		elseif text then
			warnings[#warnings + 1] = text
		end
	end
	return problems, warnings
end

return M
