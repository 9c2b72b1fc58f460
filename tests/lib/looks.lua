-- looks.lua - what the upgrade makes of what hosts say, by tables: where services listen, replicas, full disks. Run by tests/cli/reason.bats with lua5.4.
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q lines trim check cause each ssh
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
function check(ok, text) if not ok then error({ text = text }, 0) end return ok end
function cause(answer) return trim(answer.err) end
function each(list, fn)
	local out = {}
	for _, host in ipairs(list) do out[host] = fn(host) end
	return out
end

local function same(what, have, want)
	if have ~= want then error(("%s:\n%s\ninstead of\n%s"):format(what, tostring(have), tostring(want)), 2) end
end

-- ---- where services listen ----

local units = require "units"

local function unit(name, exec, active, sub, enabled, env)
	return ("unit=%s.service\nType=simple\nLoadState=loaded\nActiveState=%s\nSubState=%s\nUnitFileState=%s\nMainPID=%d\nNRestarts=0\nWorkingDirectory=/live\nExecStart={ argv[]=%s ; }\n%s")
		:format(name, active, sub, enabled, active == "active" and tonumber(name:match("%d+") or "7") or 0, exec, env and env .. "\n" or "")
end

local PUMA, NODE = "/x/bundle exec puma -C config/puma.rb", "/usr/bin/node ./streaming"

-- A process of a unit, and where it listens.
local function process(pid, kind, name, where)
	return ("proc=%d|%s|99|mastodon|0|live|%s.service|%d|%s\n"):format(pid, kind, name, pid, kind) .. (where and ("listen=%d|%s\n"):format(pid, where) or "")
end

local function listens(kind, ...)
	local text = "now=1000\nlive=/live\n" .. table.concat({ ... })
	ssh = { read = function() return { out = text, err = "", ok = true } end }
	local list = {}
	for i, place in ipairs(units.look("app1", "/live")[kind]) do list[i] = ("%s %s%s"):format(place.unit or "-", units.place_text(place), place.told and " told" or "") end
	return table.concat(list, ", ")
end

local two = process(3000, "web", "web@3000", "tcp|0100007F:0BB8")
for _, case in ipairs {
	{ "two that listen", "web", "web@3000 127.0.0.1:3000, web@3001 127.0.0.1:3001",
		two, process(3001, "web", "web@3001", "tcp|0100007F:0BB9"), unit("web@3000", PUMA, "active", "running", "enabled"), unit("web@3001", PUMA, "active", "running", "enabled") },
	{ "one of two is up and listens nowhere", "web", "web@3000 127.0.0.1:3000, web@3001 127.0.0.1:3001 told",
		two, process(3001, "web", "web@3001"), unit("web@3000", PUMA, "active", "running", "enabled"), unit("web@3001", PUMA, "active", "running", "enabled", "env_PORT=3001") },
	{ "between two starts", "web", "web@3000 127.0.0.1:3000, web@3001 127.0.0.1:3001 told",
		two, unit("web@3000", PUMA, "active", "running", "enabled"), unit("web@3001", PUMA, "activating", "auto-restart", "enabled", "env_PORT=3001") },
	{ "one that somebody stopped is asked about elsewhere", "web", "web@3000 127.0.0.1:3000",
		two, unit("web@3000", PUMA, "active", "running", "enabled"), unit("web@3001", PUMA, "inactive", "dead", "enabled", "env_PORT=3001") },
	{ "nobody listens", "web", "web@3000 127.0.0.1:3000 told, web@3001 127.0.0.1:3001 told",
		unit("web@3000", PUMA, "inactive", "dead", "enabled", "env_PORT=3000"), unit("web@3001", PUMA, "failed", "failed", "enabled", "env_PORT=3001") },
	{ "sockets and addresses in ExecStart", "web", "web@1 socket /run/puma.sock told, web@2 127.0.0.2:3100 told, web@3000 127.0.0.1:3000",
		two, unit("web@3000", PUMA, "active", "running", "enabled"), unit("web@1", PUMA .. " -b unix:///run/puma.sock", "active", "running", "enabled"),
		unit("web@2", PUMA .. " -b tcp://127.0.0.2:3100", "active", "running", "enabled") },
	{ "SOCKET= in the unit", "web", "web@1 socket /run/w.sock told", unit("web@1", PUMA, "activating", "start", "enabled", "env_SOCKET=/run/w.sock") },
	{ "one of three streamings is dead", "streaming", "streaming@4000 127.0.0.1:4000, streaming@4001 127.0.0.1:4001 told",
		process(4000, "streaming", "streaming@4000", "tcp|0100007F:0FA0"), unit("streaming@4000", NODE, "active", "running", "static"),
		unit("streaming@4001", NODE, "active", "running", "static", "env_PORT=4001"), unit("streaming@4002", NODE, "inactive", "dead", "static", "env_PORT=4002") },
	{ "a process of no unit does not hide the unit's", "web", "- 127.0.0.1:3000, web@3001 127.0.0.1:3001 told",
		"proc=9|web|99|mastodon|0|live|session-1.scope|9|puma\nlisten=9|tcp|0100007F:0BB8\n", unit("web@3001", PUMA, "active", "running", "enabled", "env_PORT=3001") },
} do
	local list = table.move(case, 4, #case, 1, {})
	local have, want = listens(case[2], table.unpack(list)), {}
	for text in case[3]:gmatch("[^,]+") do want[#want + 1] = trim(text) end
	for _, text in ipairs(want) do same(case[1] .. ": " .. text, (have .. ","):find(text .. ",", 1, true) ~= nil and text or have, text) end
	same(case[1] .. ": how many", select(2, have:gsub(",", "")) + 1, #want)
end

-- ---- replicas ----

local slots, replica, behind
package.loaded.mastodon = { sql = function(_, _, text) return text:find("pg_replication_slots", 1, true) and slots or { behind } end }
local replicas = require "replicas"

-- hosts of the role, what the replica answers (a text, or a table that is thrown), rows of slots → notes, warnings
local function follows(hosts, answer, rows)
	slots, behind = rows or {}, "2048"
	replica = answer
	ssh = { read = function(_, cmd, options)
		if replica.only and not cmd:find(replica.only, 1, true) then return { ok = false, out = "", err = "psql: error: connection refused" } end
		assert(options.as == "postgres" and options.timeout)
		if replica.kind then error(replica, 0) end
		return replica
	end }
	local notes, warnings = replicas.look({ fleet = { roles = { replica = hosts } } }, { pg = "15.1", db = { server = { system = "7001", port = 5433 } } })
	return table.concat(notes, "\n"), table.concat(warnings, "\n")
end

local function ok(out) return { ok = true, out = out .. "\n", err = "" } end
local note, warning = follows({ "db2" }, ok "t|t|0/4000060")
same("one that follows", note .. warning, "db2, a replica, follows, 2.0 MiB behind.")
for _, only in ipairs { "psql -XAtq -p 5433 -d postgres", "psql -XAtq -d postgres" } do
	local there = ok "t|t|0/4000060|7001"
	there.only = only
	note, warning = follows({ "db2" }, there)
	same("on the primary's port, or on the usual one", note .. warning, "db2, a replica, follows, 2.0 MiB behind.")
end
for answer, words in pairs {
	[{ kind = "remote", text = "cannot connect: No route to host" }] = "db2, a replica, could not be looked at: cannot connect: No route to host. What is migrated",
	[{ ok = false, out = "", err = "psql: error: connection refused" }] = "PostgreSQL on db2, a replica, does not answer: psql: error: connection refused. What",
	[ok "t|f|0/1"] = "db2, a replica, gets nothing from the primary now. What",
	[ok "t|t|0/4000060|8002"] = "db2 has the role replica in the fleet file, and its PostgreSQL is no copy of this database's server (it is of 8002, and this one is 7001). What",
	[ok "f|f|"] = "db2 has the role replica in the fleet file, and is none: its PostgreSQL follows nobody",
} do
	note, warning = follows({ "db2" }, answer)
	same(words, note, "")
	same(words, warning:sub(1, #words), words)
end
note, warning = follows({}, ok "", { "db2|51200|extended", "old|-1|lost" })
same("slots: notes", note, "")
assert(warning:find("Nobody reads the replication slot db2: PostgreSQL keeps everything for it (50.0 MiB now)", 1, true), warning)
assert(warning:find("SELECT pg_drop_replication_slot('db2')", 1, true), warning)
assert(warning:find("has given up its replication slot old", 1, true), warning)
same("no replica, no slot", table.concat({ follows({}, ok "") }), "")
local stopped = pcall(follows, { "db2" }, { kind = "canceled", text = "stopped" })
same("what a person stops is no fault of the replica", stopped, false)

-- ---- full disks ----

local preflight = require "preflight"
local function room(full) return pcall(preflight.demand_room, { all = function() return { "app1", "app2" } end }, { hosts = { app1 = { full = "" }, app2 = { full = full } } }) end
same("room", room(""), true)
local fine, why = room "/ (0 KiB free);/tmp (room for 3 more files);"
same("full", fine, false)
assert(why.text:find("app2: the disk is full: / (0 KiB free); app2: the disk is full: /tmp (room for 3 more files)", 1, true), why.text)

-- ---- room for the backup and for PostgreSQL ----

local elsewhere = require "elsewhere"
-- KiB free for the backup, where PostgreSQL keeps its data, and where its WAL → the problems.
local function cramped(backup, data, wal)
	function package.loaded.mastodon.root_read(_, cmd)
		assert(cmd:find("d='/var/backups/mastodon'", 1, true), cmd)
		return { out = backup .. "\n" }
	end
	function elsewhere.db_hosts() return { "db1" } end
	function elsewhere.db_room() return { kb = data, mount = "/srv" }, wal and { kb = wal, mount = "/wal" } end
	return table.concat(preflight.room_problems({ params = { backup_dir = "/var/backups/mastodon" } }, { first = "app1", db_kb = 2048, index_kb = 512 }), "; ")
end
same("room for all", cramped(4096, 4096), "")
same("a small backup folder", cramped(400, 4096), "app1: 400 KiB are free for the backup in /var/backups/mastodon, and the database has 2.0 MiB")
same("no room for an index", cramped(4096, 900), "db1: 900 KiB are free for PostgreSQL (/srv); building an index like the largest one (512 KiB) needs twice its size")
same("nor for WAL", cramped(4096, 4096, 100), "db1: 100 KiB are free where PostgreSQL keeps its WAL (/wal); building an index like the largest one (512 KiB) writes as much there")

-- ---- each Redis is kept ----

local settings = require "settings"

-- NAME=value of the first app host → where the copies go, in the order in which they are made.
local function kept(env)
	local h = settings.parsed("")
	for name, value in pairs(env) do h.given[name], h.env[name] = value, value end
	h.env.LOCAL_DOMAIN = "sea.example"
	local ran, site = {}, { first = "app1", hosts = { app1 = h } }
	local fake = package.loaded.mastodon
	function fake.live() return "/live" end
	function fake.user() return "mastodon" end
	function fake.domain() return "sea.example" end
	function fake.redis(_, words, place) return ("redis-cli %d/%d %s"):format(place.port or 0, place.db, words) end
	function fake.run(_, host, cmd)
		ran[#ran + 1] = host .. " " .. cmd:match("redis%-cli (%d+/%d+) ") .. " " .. cmd:match("mv .- '([^']+)'$")
		return { ok = true, out = "", err = "" }
	end
	local s = { all = function() return { "app1" } end, params = {} }
	require("places").find(s, site)
	require("backup").keep_redis(s, site, "/keep/redis%s.rdb")
	return table.concat(ran, "; ")
end

same("one Redis for all", kept {}, "app1 6379/0 /keep/redis.rdb")
same("one server, several databases of it", kept { REDIS_DB = "1", SIDEKIQ_REDIS_URL = "redis://localhost/3" }, "app1 6379/3 /keep/redis.rdb")
same("three", kept { REDIS_PORT = "1", SIDEKIQ_REDIS_URL = "redis://h:2/4", CACHE_REDIS_URL = "redis://h:3" },
	"app1 2/4 /keep/redis.rdb; app1 1/0 /keep/redis-timelines.rdb; app1 3/0 /keep/redis-cache.rdb")
same("the cache's own", kept { CACHE_REDIS_URL = "unix:///run/cache.sock" }, "app1 6379/0 /keep/redis.rdb; app1 0/0 /keep/redis-cache.rdb")

-- ---- since when the web's workers run ----

-- What the host's programs say: ages of the children and of the main process, and its journal. Now it is 1000.
local function since(children, own, journal)
	local fakes = ([[systemctl() { echo 7; }; date() { echo 1000; }; journalctl() { printf '%%s' '%s'; }; ps() { case "$*" in *--ppid*) printf '%s' ;; *) echo %s ;; esac; }
]]):format(journal, children, own)
	package.loaded.mastodon.root_read = function(_, cmd)
		local name = os.tmpname()
		local f <close> = assert(io.open(name, "w"))
		f:write(fakes, cmd, "\n")
		f:flush()
		local p <close> = assert(io.popen("sh " .. name))
		local out = p:read("a")
		os.remove(name)
		return { ok = true, out = out, err = "" }
	end
	return require("pages").workers_since("app1", { "web" })
end

local STARTS = "500.123456 app1 puma[7]: [7] Puma starting in single mode...\n700.5 app1 puma[7]: Puma starting in single mode...\n701.0 app1 puma[7]: * Listening on x\n"
same("with workers", since("Sl 100\\nSl  90\\n", 600, STARTS), 900)
same("what ended is no worker", since("Z  600\\nSl  90\\n", 600, STARTS), 910)
same("nor when it is alone", since("Z  600\\n", 600, STARTS), 700)
same("without workers, loaded anew", since("", 600, STARTS), 700)
same("gone meanwhile", since("", "", STARTS), nil)
same("without workers, never loaded anew", since("", 600, ""), 400)

-- ---- settings of several hosts ----

local compare = require "compare"
local function judged(app2, otp)
	local problems, warnings = compare.judge({ "app1", "app2" }, { app1 = { SECRET_KEY_BASE = "a", OTP_SECRET = "b", DB_PASS = "c", PORT = "1" }, app2 = app2 }, otp)
	return table.concat(problems, "; ") .. " | " .. table.concat(warnings, "; ")
end
same("alike but for what is a host's own", judged({ SECRET_KEY_BASE = "a", OTP_SECRET = "b", DB_PASS = "c", PORT = "2" }, true), " | ")
same("one is missing", judged({ SECRET_KEY_BASE = "a", DB_PASS = "c" }, true), "OTP_SECRET is missing on app2, and set on app1 | ")
same("where it counts no more", judged({ SECRET_KEY_BASE = "a", DB_PASS = "c" }, false), " | OTP_SECRET is missing on app2, and set on app1")
same("another password", judged({ SECRET_KEY_BASE = "a", OTP_SECRET = "b", DB_PASS = "d" }, true), " | DB_PASS is not the same on app1 as on app2")
same("another secret: nothing else can be told", judged({ SECRET_KEY_BASE = "x", OTP_SECRET = "y", DB_PASS = "z" }, true), "SECRET_KEY_BASE is not the same on app1 as on app2 | ")
print "ok"
