-- settings.lua - runbooks/lib/settings.lua against tables: files as dotenv (Ruby's, 3.2.0) and systemd read them, and addresses as Mastodon does.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- usage: lua5.4 settings.lua FOLDER AWK…    FOLDER is empty and becomes the folder of the settings. Says what differs; fails when something does.
-- luacheck: std lua54, globals q
local folder, awks = arg[1], { table.unpack(arg, 2) }
package.path = arg[0]:match("^(.*)/[^/]*$") .. "/../../runbooks/lib/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local settings = require "settings"
local wrong = 0

local function differ(what, got, wanted)
	if got == wanted then return end
	wrong = wrong + 1
	io.stderr:write(("%s\n  gives  %q\n  wanted %q\n"):format(what, tostring(got), tostring(wanted)))
end

local function spit(name, text)
	local f <close> = assert(io.open(folder .. "/" .. name, "wb"))
	f:write(text)
end

-- What the reader prints in this mode, with that environment before it.
local function reader(awk, mode, env)
	local cmd = ("cd %s && env -i PATH=\"$PATH\" HOME=/home/x LC_ALL=C %s %s -f - %s"):format(q(folder), env, awk, mode)
	local name = folder .. "/program"
	spit("program", settings.READER)
	local p <close> = assert(io.popen(cmd .. " <" .. q(name)))
	return p:read("a")
end

-- ---- files: what dotenv made of each, by the gem itself; GIVEN=given was in the environment ----

local FILES = {
	{ "DB_PASS=pass # note\n", "DB_PASS=pass" },
	{ "DB_PASS='pass' # note\n", "DB_PASS=pass" },
	{ "DB_PASS=pass   \n", "DB_PASS=pass" },
	{ "DB_PASS = pass\n", "DB_PASS=pass" },
	{ "   DB_PASS=pass\n", "DB_PASS=pass" },
	{ "\239\187\191LOCAL=sea\r\nB=2\r\n", "B=2", "LOCAL=sea" },
	{ "A_=x\nA_=y\n", "A_=y" },
	{ "P=\"a#b\"\n", "P=a#b" },
	{ "P='a\\b'\n", "P=a\\b" },
	{ "P=a\\b\n", "P=ab" },
	{ "P=\"it's\"\n", "P=it's" },
	{ "P=it's\n", "P=it's" },
	{ "P='it's'\n", "P=it's" },
	{ "P=\"x\ny\nQ=3\"\nR=$P\n", "P=x\ny\nQ=3", "R=x\ny\nQ=3" },
	{ "P='x\ny'\n", "P=x\ny" },
	{ "P=a$Q\nQ=1\nR=${Q}b$Q-$NONE.\n", "P=a", "Q=1", "R=1b1-." },
	{ "P='$Q'\n", "P=$Q" },
	{ "P=\"\\$Q\"\n", "P=$Q" },
	{ "FOO BAR\nP=1\n", "P=1" },
	{ "export P=1\nexport P\n", "P=1" },
	{ "P\nQ=1\n", "P=", "Q=1" },
	{ "P=\n'x'\n", "P=x" },
	{ "P: y\nQ:z\n", "P=y" },
	{ "P=\"a\\nb\"\n", "P=a\\nb" },
	{ "DOTENV_LINEBREAK_MODE=legacy\nP=\"a\\nb\"\n", "DOTENV_LINEBREAK_MODE=legacy", "P=a\nb" },
	{ "P=\"unclosed\nQ=1\n", "P=\"unclosed", "Q=1" },
	{ "P=x#y\n", "P=x" },
	{ "P=#y\n", "P=" },
	{ "P= # y\n", "P=" },
	{ "P=\"a\"b\n", "P=\"a\"b" },
	{ "P=$GIVEN/${HOME}\n", "P=given//home/x" },
	{ "P=%40\n", "P=%40" },
	{ "P=a\\#b\n", "P=a\\" },
	{ "P='a\\'b'\n", "P=a\\'b" },
	{ "P=\"a\\\"b\"\n", "P=a\"b" },
	{ "P=\"a\"c\" # x\n", "P=a\"c" },
	{ "P=a=b==\n", "P=a=b==" },
	{ "P.q=1\n", "P.q=1" },
	{ "# P=1\n#\n\n\nQ=2", "Q=2" },
	{ "P='a' 'b'\n", "P=a' 'b" },
	{ "P=\"${Q\"\n", "P=" },
	{ "P=$\n", "P=$" },
	{ "P=a$$Q\n", "P=a$" },
	{ "P=\\\\$GIVEN\n", "P=$GIVEN" },
	{ "P=caf\195\169\n", "P=caf\195\169" },
	{ "\tP\t=\tx\t\n", "P=x" },
	{ "P=a\rQ=b\r", "P=a", "Q=b" },
	{ "A1=\"a # b\" # c\n", "A1=a # b" },
	{ "P=$(id -u)x\n", "P=x" },
	{ "P='$(id)'\n", "P=$(id)" },
	{ "P=\\$(id)\n", "P=$(id)" },
	{ "P=\"l1\\\nl2\"\n", "P=l1\nl2" },
	{ "export   P=1\n", "P=1" },
	{ "export\nP=2\n", "P=2" },
	{ "P='a\\'\nQ='b'\n", "P=a\\", "Q=b" },
	{ "P=\"\"\n", "P=" },
	{ "P=''\nQ=$P.\n", "P=", "Q=." },
	{ "P=${GIVEN\nQ=${}x\n", "P=given", "Q=${}x" },
	{ "export P\n", broken = true },
	{ "GIVEN=file\nP=$GIVEN\n", "P=given" },
}

local GIVEN = { ["GIVEN=given"] = true, ["RAILS_ENV=production"] = true }

local function check_files(awk)
	for _, case in ipairs(FILES) do
		spit(".env.production", case[1])
		local got = {}
		for pair in reader(awk, "all", "BB_ENV='RAILS_ENV=production GIVEN=given'"):gmatch("([^\0]*)\0") do
			if not GIVEN[pair] then got[#got + 1] = pair end
		end
		table.sort(got)
		if case.broken then
			differ(awk .. " " .. case[1], reader(awk, "facts", "BB_ENV="):match("env_broken=") ~= nil, true)
		else
			differ(awk .. " " .. case[1], table.concat(got, "|"), table.concat(case, "|", 2))
		end
	end
end

-- ---- several files, and the unit: the unit wins, EnvironmentFile= before Environment=, then .local ----

local UNIT_FILE = "# a note\n; another\n A=file\nB=\"two words\" \nC='it is # one'\nD=un\\ quoted # kept\nE=a\\\nb\n F = f\nbad line\nG=\"x\\\"y\\z\"\n"

local function check_layers(awk)
	spit("unit.env", UNIT_FILE)
	spit(".env.production", "A=production\nH=production\nI=production\nJ=$A\n")
	spit(".env.production.local", "H=local\n")
	spit(".env", "I=plain\nK=plain\n")
	local env = ("BB_ENV='RAILS_ENV=production A=unit \"L=a b\" M=\"q\\\\\"\\\"r\"' BB_FILES=%s"):format(q(folder .. "/unit.env"))
	for name, wanted in pairs { A = "file", B = "two words", C = "it is # one", D = "un quoted # kept", E = "ab", F = "f", G = "x\"y\\z", H = "local",
		I = "production", J = "file", K = "plain", L = "a b" } do
		differ(awk .. " layers: " .. name, reader(awk, "value " .. name, env), wanted)
	end
	os.remove(folder .. "/.env.production.local")
	os.remove(folder .. "/.env")
	differ(awk .. " a file that is not there", reader(awk, "facts", "BB_ENV= BB_FILES=/no/such"):match("env_lost=([^\n]*)"), " /no/such")
	differ(awk .. " a file that needs not be there", reader(awk, "facts", "BB_ENV= BB_FILES=-/no/such"):match("env_lost=([^\n]*)"), nil)
	differ(awk .. " a file that is there", reader(awk, "value A", "BB_ENV= BB_FILES=" .. q("-" .. folder .. "/unit.env")), "file")
end

-- ---- secrets: passwords out of addresses, and what is told of them ----

local ADDRESSES = {
	{ "redis://:p%40ss%2Fw+x@h:6390/1", "p@ss/w x", "redis://:(set)@h:6390/1" }, { "redis://secret@h", "secret", "redis://(set)@h" },
	{ "redis://toot:s%C3%A9%23c@h/2", "s\xC3\xA9#c", "redis://toot:(set)@h/2" }, { "rediss://h:6380", "", "rediss://h:6380" },
	{ "unix:///run/redis/redis.sock?db=3", "", "unix:///run/redis/redis.sock?db=3" }, { "redis://:a@b@h/0", "a@b", "!redis://:(set)@h/0" },
	{ "postgres://m:p+%25@h:5433/db?sslmode=require", "p+%", "postgres://m:(set)@h:5433/db?sslmode=require" },
	{ "postgresql://m@h/db?password=x&a=1", "", "postgresql://m@h/db?password=(set)&a=1" },
	{ "redis://:p/w@h/0", "p/w", "!redis://:(set)@h/0" },
}

local function check_addresses(awk)
	for _, case in ipairs(ADDRESSES) do
		local name = case[1]:sub(1, 1) == "p" and "DATABASE_URL" or "REDIS_URL"
		spit(".env.production", ("%s='%s'\nDB_PASS=hidden-1\nREDIS_PASSWORD=hidden-2\nSECRET_KEY_BASE=hidden-3\n"):format(name, case[1]))
		differ(awk .. " password of " .. case[1], reader(awk, "password " .. name, "BB_ENV="), case[2])
		local facts = reader(awk, "facts", "BB_ENV='DB_PASS=hidden-4 X=1'")
		differ(awk .. " shown of " .. case[1], facts:match("env_" .. name .. "=([^\n]*)"), case[3])
		differ(awk .. " nothing secret of " .. case[1], facts:match("hidden"), nil)
	end
end

-- ---- places ----

local function facts(env)
	local h = settings.parsed("")
	for name, value in pairs(env) do
		h.given[name] = value
		if value ~= "" then h.env[name] = value end
	end
	return h
end

local REDIS = {
	{ {}, "localhost:6379, database 0" }, { { REDIS_HOST = "r", REDIS_PORT = "6390", REDIS_DB = "1" }, "r:6390, database 1" },
	{ { REDIS_PORT = "" }, "localhost:6379, database 0" }, { { REDIS_PORT = "x" }, nil, "no number" }, { { REDIS_HOST = "" }, nil, "empty" },
	{ { REDIS_URL = "redis://toot:(set)@h:6390/1" }, "h:6390, database 1" }, { { REDIS_URL = "unix:///run/r.sock?db=2" }, "/run/r.sock, database 2" },
	{ { REDIS_URL = "redis://[::1]:7/3" }, "::1:7, database 3" }, { { REDIS_URL = "!redis://x" }, nil, "%%40" }, { { REDIS_URL = "http://h" }, nil, "http://" },
	{ { REDIS_URL = "redis://a/1", SIDEKIQ_REDIS_URL = "redis://b/2" }, "b:6379, database 2" },
	{ { REDIS_URL = "redis://a/1", SIDEKIQ_REDIS_HOST = "b", SIDEKIQ_REDIS_DB = "4" }, "b:6379, database 4" },
	{ { REDIS_URL = "redis://a/1", SIDEKIQ_REDIS_PORT = "9" }, "a:6379, database 1" }, { { REDIS_URL = "redis://a/x" }, nil, "no number" },
	{ { REDIS_SENTINELS = "s1,s2:7", REDIS_SENTINEL_MASTER = "m" }, "localhost:6379, database 0 (the master that Sentinel names for m)" },
	{ { REDIS_SENTINELS = "s1" }, "localhost:6379, database 0" },
}

local DB = {
	{ {}, "mastodon_production at localhost, port 5432" }, { { DB_HOST = "" }, "mastodon_production at PostgreSQL's own socket, port 5432" },
	{ { DB_HOST = "/run/pg", DB_PORT = "5433", DB_NAME = "m" }, "m at /run/pg, port 5433" }, { { DB_PORT = "" }, "mastodon_production at localhost, port 5432" },
	{ { DB_PORT = "5433x" }, nil, "no number" }, { { DATABASE_URL = "postgres://u%40x:(set)@h:5433/d%20b" }, "d b at h, port 5433" },
	{ { DATABASE_URL = "postgresql:///d?host=%2Frun%2Fpg", DB_PORT = "5434" }, "d at /run/pg, port 5434" }, { { DATABASE_URL = "mysql://h/d" }, nil, "no address" },
	{ { DB_NAME = "" }, "mastodon at localhost, port 5432" },
}

local function check_places()
	for i, case in ipairs(REDIS) do
		local place, why = settings.redis_place(facts(case[1]), "SIDEKIQ_")
		differ("Redis " .. i, place and settings.redis_words(place), case[2])
		if case[3] then differ("Redis " .. i .. " why", why and why:find(case[3]) ~= nil, true) end
	end
	for i, case in ipairs(DB) do
		local db, why = settings.db_place(facts(case[1]), "mastodon")
		differ("database " .. i, db and settings.db_words(db), case[2])
		if case[3] then differ("database " .. i .. " why", why and why:find(case[3]) ~= nil, true) end
	end
	local h = facts { DB_HOST = "", DB_PASS = "(set)" }
	differ("psql by socket", settings.pg(h, settings.db_place(h, "mastodon"), "psql"),
		[[PGPASSWORD="$(awk -f - value DB_PASS)" psql -p 5432 -U 'mastodon' -d 'mastodon_production']])
	h.plain.DB_PASS, h.env.DB_SSLMODE = "yes", "require"
	differ("psql with TLS", settings.pg(h, settings.db_place(h, "mastodon"), "psql"):match("PGSSLMODE='require' psql"), "PGSSLMODE='require' psql")
	h = facts { REDIS_URL = "redis://toot:(set)@h:6390/1" }
	differ("redis-cli as a user", settings.redis_cli(h, settings.redis_place(h, ""), "PING"),
		[[REDISCLI_AUTH="$(awk -f - password REDIS_URL)" redis-cli --no-auth-warning --user 'toot' -h 'h' -p 6390 -n 1 PING]])
	h = facts { REDIS_USER = "toot", REDIS_PASSWORD = "(set)", CACHE_REDIS_URL = "rediss://c" }
	differ("redis-cli with its own TLS", settings.redis_cli(h, settings.redis_place(h, "CACHE_"), "PING"),
		"redis-cli --no-auth-warning --tls -h 'c' -p 6379 -n 0 PING")
	h = facts { REDIS_URL = "unix:///run/redis/redis.sock?db=3" }
	differ("redis-cli by a socket", settings.redis_cli(h, settings.redis_place(h, "SIDEKIQ_"), "PING"), "redis-cli --no-auth-warning -s '/run/redis/redis.sock' -n 3 PING")
end

-- ---- hosts against one another ----

-- Digests of a host whose unit has that Environment=, and that EnvironmentFile.
ssh = {}	-- luacheck: ignore
local function digests(awk, environment, file, dotenv)
	spit(".env.production", "SECRET_KEY_BASE=base\n" .. dotenv)
	os.remove(folder .. "/.env")
	spit("systemctl", ("#!/bin/sh\ncase \"$*\" in *EnvironmentFiles*) echo %s ;; *Environment*) printf '%%s\\n' %s ;; esac\n")
		:format(q(file and folder .. "/unit.env (ignore_errors=no)" or ""), q(environment)))
	if file then spit("unit.env", file) end
	-- By its whole path: "awk" is this very file there.
	local p <close> = assert(io.popen("command -v " .. awk:match("^%S+")))
	spit("awk", ("#!/bin/sh\nexec %s%s \"$@\"\n"):format(p:read("l"), awk:match("^%S+(.*)$")))
	assert(os.execute(("chmod 755 %s/systemctl %s/awk"):format(q(folder), q(folder))))
	function ssh.read(_, cmd, opts)	-- luacheck: ignore
		spit("program", opts.stdin)
		local run <close> = assert(io.popen(("cd %s && PATH=%s:$PATH sh -c %s <program"):format(q(opts.cwd), q(folder), q(cmd))))
		return { out = run:read("a") }
	end
	return settings.digests("app1", folder, "root", "mastodon-web")
end

local function check_digests(awk)
	local a = digests(awk, "RAILS_ENV=production PORT=3000", nil, "SMTP_LOGIN=same # note\nDB_PASS='it is'\nLINES=\"one\ntwo\"\nEMPTY=\n")
	local b = digests(awk, "RAILS_ENV=production SMTP_LOGIN=other", "DB_PASS=\"it is\"\n", "SMTP_LOGIN=same\nDB_PASS=unread\nLINES=\"one\ntwo\"\n")
	differ(awk .. " the unit's own word wins", a.SMTP_LOGIN ~= nil and b.SMTP_LOGIN ~= nil and a.SMTP_LOGIN ~= b.SMTP_LOGIN, true)
	differ(awk .. " a file of the unit counts", b.DB_PASS ~= nil and b.DB_PASS == a.DB_PASS, true)
	differ(awk .. " a value of two lines", a.LINES ~= nil and a.LINES == b.LINES, true)
	differ(awk .. " nothing is no setting", a.EMPTY, nil)
	differ(awk .. " a unit's own setting is there", a.PORT ~= nil and b.PORT == nil, true)
	differ(awk .. " what all are made with", a.SECRET_KEY_BASE, b.SECRET_KEY_BASE)
end

-- EnvironmentFile= may name a file that needs not be there (-), and a pattern.
local function check_unit_files(awk)
	digests(awk, "PORT=3000", "DB_PASS=one\n", "LOCAL_DOMAIN=a.example\n")
	spit("more.env", "DB_NAME=toot\nDB_PASS=two\n")
	spit("systemctl", ("#!/bin/sh\ncase \"$*\" in *EnvironmentFiles*) printf '%%s\\n' '/no/such (ignore_errors=yes)' %s ;; esac\n"):format(q(folder .. "/[mu]*.env (ignore_errors=no)")))
	local h = settings.look("app1", folder, "root", "mastodon-web")
	differ(awk .. " one that needs not be there is not missed", h.env_lost, nil)
	differ(awk .. " each of a pattern is read", h.env.DB_NAME, "toot")
	local carried = settings.carried(h, function() return true end)
	differ(awk .. " and goes along, in their order", carried and carried.text, ("set -a; . %s; set +a; set -a; . %s; set +a; "):format(q(folder .. "/more.env"), q(folder .. "/unit.env")))
	spit("systemctl", ("#!/bin/sh\ncase \"$*\" in *EnvironmentFiles*) echo %s ;; esac\n"):format(q(folder .. "/no*.env (ignore_errors=no)")))
	differ(awk .. " a pattern without a file", settings.look("app1", folder, "root", "mastodon-web").env_lost, " " .. folder .. "/no*.env")
	os.remove(folder .. "/more.env")
end

-- A secret of the unit's Environment= comes to a command of ours as its processes have it, however systemd quotes it.
local function check_unit_secrets(awk)
	local given = { DB_PASS = "p&s \"x\" $HOME \\ {a,b}", REDIS_PASSWORD = "plain", SECRET_KEY_BASE = "it's" }
	for _, text in ipairs { "PORT=3000 \"DB_PASS=p&s \\\"x\\\" \\$HOME \\\\ {a,b}\" REDIS_PASSWORD=plain \"SECRET_KEY_BASE=it's\" \"X=DB_PASS=wrong REDIS_PASSWORD=wrong\"",
		"DB_PASS=plain REDIS_PASSWORD=plain SECRET_KEY_BASE=plain" } do
		digests(awk, text, nil, "")
		local h = settings.look("app1", folder, "root", "mastodon-web")
		spit("carry", settings.carried(h, function() return true end).text .. "printf '%s|%s|%s' \"$DB_PASS\" \"$REDIS_PASSWORD\" \"$SECRET_KEY_BASE\"")
		local run <close> = assert(io.popen(("PATH=%s:$PATH sh %s/carry"):format(q(folder), q(folder))))
		differ(awk .. " secrets of a unit", run:read("a"), text:find("X=") and ("%s|%s|%s"):format(given.DB_PASS, given.REDIS_PASSWORD, given.SECRET_KEY_BASE) or "plain|plain|plain")
	end
end

for _, awk in ipairs(awks) do
	check_files(awk)
	check_unit_secrets(awk)
	check_unit_files(awk)
	check_digests(awk)
	check_layers(awk)
	check_addresses(awk)
end
check_places()
print(("%d files, %d addresses, %d awks: %d wrong"):format(#FILES, #ADDRESSES, #awks, wrong))
os.exit(wrong == 0 and #awks > 0)
