-- compare.lua - the settings of several hosts against one another, without a value leaving its host. SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local sorted = require "sorted"
local M = {}

-- NAME=DIGEST of every setting in .env.production. A digest of a short password could be guessed, so each is made together with
-- SECRET_KEY_BASE, which is long and stays there; that one stands for itself.
local DIGESTS = [[
read_env() { awk '{ sub(/\r$/, "") } match($0, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=/) {
	name = substr($0, 1, RLENGTH - 1); sub(/^[ \t]*(export[ \t]+)?/, "", name); sub(/[ \t]+$/, "", name)
	value = substr($0, RLENGTH + 1); sub(/^[ \t]+/, "", value); mark = substr(value, 1, 1)
	if (mark == "\"" || mark == "'\''") { value = substr(value, 2); at = index(value, mark); if (at) value = substr(value, 1, at - 1) }
	else { sub(/[ \t]+#.*$/, "", value); sub(/[ \t]+$/, "", value) }
	print name "=" value }' .env.production; }
base=$(read_env | sed -n 's/^SECRET_KEY_BASE=//p' | tail -n 1)
read_env | while IFS= read -r line; do
	name=${line%%=*}; value=${line#*=}
	[ -n "$value" ] || continue
	key=$base; [ "$name" != SECRET_KEY_BASE ] || key=
	printf '%s=%s\n' "$name" "$(printf '%s\n%s' "$key" "$value" | sha256sum | cut -c 1-12)"
done
true]]

-- What belongs to one host: how much it may use, where it listens, what is near to it.
local OWN = { PORT = true, BIND = true, SOCKET = true, DB_POOL = true, MAX_THREADS = true, MIN_THREADS = true, RAILS_MAX_THREADS = true, WEB_CONCURRENCY = true,
	SIDEKIQ_CONCURRENCY = true, STREAMING_CLUSTER_NUM = true, MALLOC_ARENA_MAX = true, LD_PRELOAD = true, RAILS_LOG_LEVEL = true, RAILS_LOG_TO_STDOUT = true,
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

-- host → { NAME → digest }
function M.look(s)
	return each(s:all "app", function(host)
		local map = {}
		for _, line in ipairs(lines(mastodon.read(s, host, DIGESTS).out)) do
			local name, digest = line:match("^([%w_]+)=(%x+)$")
			if name then map[name] = digest end
		end
		return map
	end, { at_once = 10, stop_after = 100 })
end

-- One setting over the hosts: nil when it is the same, else words.
local function differing(hosts, all, name)
	local have, miss, values, n = {}, {}, {}, 0
	for _, host in ipairs(hosts) do
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
	for _, host in ipairs(hosts) do
		local digest = all[host][name]
		if values[digest] then groups[#groups + 1] = table.concat(values[digest], ", ") end
		values[digest] = nil
	end
	return ("%s is not the same on %s"):format(name, table.concat(groups, " as on "))
end

-- Problems and warnings in words. otp: whether OTP_SECRET still matters (before 4.4).
function M.judge(hosts, all, otp)
	local problems, warnings, names = {}, {}, {}
	for _, host in ipairs(hosts) do
		for name in pairs(all[host]) do names[name] = true end
	end
	-- With another SECRET_KEY_BASE every other digest differs, too: only what is missing can be told then.
	local base = differing(hosts, all, "SECRET_KEY_BASE")
	for name in sorted(names) do
		local text = not is_own(name) and differing(hosts, all, name)
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
