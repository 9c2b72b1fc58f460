-- elsewhere.lua - where things lie: file systems below Mastodon's folder, and the hosts of the database and of Redis.
-- SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local M = {}

local FULL_KB, LITTLE_KB = 64 * 1024, 1024 * 1024

-- Every file system that a step writes to below the folder, also behind a link: "KB MOUNT", the folder's own first.
local MOUNTS = [[cd %s && { df -Pk . | tail -n 1; for d in public public/packs public/system node_modules vendor vendor/bundle tmp tmp/cache log .git; do
	[ -d "$d" ] && df -Pk "$d/" | tail -n 1; done; awk -v live="$(pwd -P)/" 'index($2, live) == 1 { print $2 }' /proc/self/mounts |
	while read -r m; do df -Pk "$m" | tail -n 1; done; } | awk '!seen[$6]++ { print $4, $6 }']]

-- Problems and warnings about room below the folder of one host; its own file system is looked at elsewhere.
function M.room(s, host)
	local problems, warnings = {}, {}
	for i, line in ipairs(lines(mastodon.root_read(host, MOUNTS:format(q(mastodon.live(s)))).out)) do
		local kb, mount = line:match("^(%d+) (.+)$")
		kb = tonumber(kb)
		if kb and i > 1 and kb < FULL_KB then
			problems[#problems + 1] = ("%s: %s is a file system of its own with %d MiB free: the upgrade writes there, too"):format(host, mount, kb // 1024)
		elseif kb and i > 1 and kb < LITTLE_KB then
			warnings[#warnings + 1] = ("%s: %s is a file system of its own with only %d MiB free"):format(host, mount, kb // 1024)
		end
	end
	return problems, warnings
end

local function is_local(address)
	return address == nil or address == "" or address == "localhost" or address:find("^127%.") ~= nil or address == "::1" or address:find("^/") ~= nil
end

-- The host of the fleet file that has this name or address; nil when none is known.
local function fleet_host(s, site, role, address)
	for host, h in pairs(site.hosts) do
		if host == address or h.hostname == address or (" " .. (h.addresses or "") .. " "):find(" " .. address .. " ", 1, true) then return host end
	end
	local list = s.fleet.roles and s.fleet.roles[role] or {}
	for _, host in ipairs(list) do
		if host == address then return host end
	end
	return #list == 1 and list[1] or nil
end

-- Database and Redis that run elsewhere than on an app host: { what, address, host or nil, folder }.
function M.elsewhere(s, site)
	local list = {}
	for _, one in ipairs { { what = "PostgreSQL", role = "db", place = site.db, port = site.db.direct, folder = "etc/postgresql" },
		{ what = "Redis", role = "redis", place = site.redis, port = site.redis.port, folder = "etc/redis" } } do
		local address = one.place.host
		if not one.place.path and not is_local(address) then
			local host = fleet_host(s, site, one.role, address)
			if not (host and site.hosts[host]) then
				list[#list + 1] = { what = one.what, address = ("%s:%s"):format(address, tostring(one.port)), host = host, folder = one.folder }
			end
		end
	end
	return list
end

-- Where they run, in words.
function M.words(s, site)
	local list = {}
	for _, one in ipairs(M.elsewhere(s, site)) do
		list[#list + 1] = ("%s runs elsewhere, at %s%s."):format(one.what, one.address, one.host and " (host " .. one.host .. ")" or ", a host that the fleet file does not name")
	end
	return list
end

-- The same by host, each once, with all of its folders.
function M.by_host(s, site)
	local hosts, folders = {}, {}
	for _, one in ipairs(M.elsewhere(s, site)) do
		if one.host then
			if not folders[one.host] then hosts[#hosts + 1] = one.host end
			folders[one.host] = (folders[one.host] and folders[one.host] .. " " or "") .. one.folder
		end
	end
	return hosts, folders
end

return M
