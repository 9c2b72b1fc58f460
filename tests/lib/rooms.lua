-- rooms.lua - where PostgreSQL's data lie is found by its server's processes, links followed. usage: lua5.4 rooms.lua RUNBOOKS/LIB FOLDER (empty)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals same verdict
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local folder = arg[2]
local mastodon = {}
local function part(name) return name == "mastodon" and mastodon or {} end
local elsewhere = assert(loadfile(arg[1] .. "/elsewhere.lua", "t", setmetatable({ require = part }, { __index = _G })))()

local function sh(text)
	local p <close> = assert(io.popen("cd '" .. folder .. "' && { " .. text .. "\n}"))
	return p:read("a")
end

-- Two servers; 5433's data are behind a link, its WAL and a tablespace on file systems of their own, as this df says.
sh [[mkdir -p bin proc/7 proc/8 proc/9 old real/base real/pg_wal real/pg_tblspc space
ln -s real data; ln -s "$PWD/space" real/pg_tblspc/16400
echo cat >proc/7/comm; echo postgres >proc/8/comm; echo postgres >proc/9/comm
ln -s "$PWD/old" proc/8/cwd; ln -s "$PWD/real" proc/9/cwd
printf '8\n/x\n1\n5432\n' >old/postmaster.pid; printf '9\n/y\n1000\n5433\n' >real/postmaster.pid
cat >bin/df <<'X'
#!/bin/sh
echo "Filesystem 1024-blocks Used Available Capacity Mounted on"
case $2 in */base/.) echo "/dev/a 10 5 1001 50% /srv/pg data" ;; */pg_wal/.) echo "/dev/b 10 5 1002 50% /srv/wal" ;; */16400/.) echo "/dev/c 10 5 1003 50% /srv/space" ;;
*) echo "/dev/d 10 5 1004 50% /" ;; esac
X
chmod 755 bin/df]]

local function here(text) return sh("PATH=$PWD/bin:$PATH\n" .. text:gsub("/proc/", folder .. "/proc/"):gsub("/var/lib/postgresql", folder .. "/none")) end

local function look(port) return here(elsewhere.DB_ROOM:format(port)) end

same("the server of that port", look(5433), "data 1001 /srv/pg data\nwal 1002 /srv/wal\n16400 1003 /srv/space\n")
same("one without those folders", look(5432), "data 1004 /\n")
same("none", look(5434), "guessed " .. folder .. "/none\n")

-- Which hosts are the database's. The second app host is this folder.
function mastodon.root_read(host, text) return { out = host == "app2" and here(text) or "" } end
local function db_hosts(db, port, started)
	local session = { fleet = { roles = { app = { "app1", "app2" }, db = db } }, all = function() return { "app1", "app2" } end }
	return table.concat(elsewhere.db_hosts(session, { db = { server = { port = port, started = started } } }), " ")
end
same("the hosts that the fleet file names", db_hosts({ "db1", "db2" }, 5433, "1000"), "db1 db2")
same("none named: the app host that it runs on", db_hosts(nil, 5433, "1001"), "app2")
same("named without a host", db_hosts({}, 5433, "1001"), "app2")
same("none named: another server of that port", db_hosts(nil, 5433, "5000"), "")
same("none named: it runs on no app host", db_hosts(nil, 5434, "1000"), "")
verdict()
