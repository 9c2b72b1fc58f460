-- elsewhere.lua - where things lie: file systems below Mastodon's folder, and the hosts of the database and of Redis.
-- SPDX-License-Identifier: GPL-3.0-or-later
local hosts = require "hosts"
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

-- As root: d becomes the folder of the PostgreSQL that runs on this host and listens on port %d. Its processes stand in it, wherever that is.
local SERVER = [[d=
for p in /proc/[0-9]*; do
	case $(cat "$p/comm" 2>/dev/null) in postgres|postmaster) ;; *) continue ;; esac
	one=$(readlink "$p/cwd") && [ "$(sed -n 4p "$one/postmaster.pid" 2>/dev/null)" = %d ] || continue
	d=$one
	break
done
]]

-- When it was started, as it noted itself.
M.DB_STARTED = SERVER .. [=[[ -z "$d" ] || sed -n 3p "$d/postmaster.pid"]=]

-- What it keeps where, "WHAT KB MOUNT" a line: data, wal, and each tablespace by its number. What is a link is followed.
M.DB_ROOM = SERVER .. [=[
[ -n "$d" ] && [ -d "$d" ] || { d=/var/lib/postgresql; echo "guessed $d"; }
room() { [ ! -d "$2" ] || df -Pk "$2" | awk -v what="$1" 'NR == 2 { kb = $4; sub(/^([^ ]+ +)([0-9]+ +)([0-9]+ +)([0-9]+ +)[0-9]+%% +/, ""); print what, kb, $0 }'; }
if [ -d "$d/base" ]; then room data "$d/base/."; else room data "$d/."; fi
room wal "$d/pg_wal/."
for t in "$d"/pg_tblspc/*; do room "${t##*/}" "$t/."; done
true]=]

-- The hosts of the database: those of the role db. Where the fleet file names none, the app host that its server was found on: a server on one machine.
function M.db_hosts(s, site)
	local named = s.fleet.roles and s.fleet.roles.db or {}
	if #named > 0 then return named end
	local server = site.db.server
	for _, host in ipairs(s:all "app") do
		local started = tonumber(trim(mastodon.root_read(host, M.DB_STARTED:format(server.port), { check = false }).out))
		-- It notes that a moment before the time that it tells; another server of that port was started at another time.
		if started and math.abs(started - tonumber(server.started)) <= 60 then return { host } end
	end
	return {}
end

-- Room for the database on that host: { kb, mount } of where it lies, and of the WAL where that is a file system of its own. nil: it cannot be seen.
-- guessed: its server was not found there.
function M.db_room(s, site, host)
	local row = mastodon.sql(s, site, "SELECT t.oid, t.spcname FROM pg_tablespace t JOIN pg_database d ON d.dattablespace = t.oid WHERE d.datname = current_database()")[1]
	local space = (row or ""):match("^(%d+)|pg_default$") and "data" or (row or ""):match("^(%d+)") or "data"
	local found, guessed = {}, nil
	for _, line in ipairs(lines(mastodon.root_read(host, M.DB_ROOM:format(site.db.server.port), { check = false }).out)) do
		local what, kb, mount = line:match("^(%w+) (%d+) (.+)$")
		if what then found[what] = { kb = tonumber(kb), mount = mount } end
		guessed = guessed or line:match("^guessed (.+)$")
	end
	local at, wal = found[space] or found.data, found.wal
	return at, wal and at and wal.mount ~= at.mount and wal or nil, guessed
end

-- Hosts where a proxy may stand before Mastodon: those of the role proxy, and every app host.
function M.proxies(s)
	local list, seen = {}, {}
	for _, names in ipairs { s:all "app", s.fleet.roles and s.fleet.roles.proxy or {} } do
		for _, host in ipairs(names) do
			if not seen[host] then list[#list + 1] = host end
			seen[host] = true
		end
	end
	return list
end

local CLEAR = [=[grep -rhoE '^[[:space:]]*proxy_cache_path[[:space:]]+/[^[:space:];]+' /etc/nginx 2>/dev/null | awk '{ print $2 }' | sort -u |
while read -r d; do case $d in /?*/?*) [ ! -d "$d" ] || { find "$d" -xdev -type f -delete && echo "cleared $d"; } ;; esac; done; true]=]

-- Empties what nginx keeps of answers, on each of them.
function M.clear_caches(s)
	local list, cleared = M.proxies(s), {}
	hosts.each(s, list, function(host)
		for folder in mastodon.root_run(host, CLEAR).out:gmatch("cleared ([^\n]+)") do cleared[#cleared + 1] = host .. ":" .. folder end
	end)
	table.sort(cleared)
	if #cleared > 0 then return s:note("What nginx kept of answers was removed: " .. table.concat(cleared, ", ") .. ".") end
	s:note(("No cache of nginx was found on %s. When a proxy on another host keeps answers, remove them there: they tell the newer release (the role proxy in the "
		.. "fleet file names such hosts)."):format(table.concat(list, ", ")))
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
	local list, folders = {}, {}
	for _, one in ipairs(M.elsewhere(s, site)) do
		if one.host then
			if not folders[one.host] then list[#list + 1] = one.host end
			folders[one.host] = (folders[one.host] and folders[one.host] .. " " or "") .. one.folder
		end
	end
	return list, folders
end

return M
