-- reason.lua - tests: advice is given only where the host bears witness. Run as: lua5.4 reason.lua RUNBOOKS/LIB
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54
local folder = arg[1]
local said	-- what the host answers: part of a command → output
local sql
local slept = 0

local function fake(cmd)
	for part, out in pairs(said) do
		if cmd:find(part, 1, true) then
			if out == false then return { ok = false, out = "", err = "", code = 1 } end
			return { ok = true, out = out, err = "", code = 0 }
		end
	end
	return { ok = true, out = "", err = "", code = 0 }
end

local mastodon = {
	read = function(_, _, cmd) return fake(cmd) end, root_read = function(_, cmd) return fake(cmd) end, user = function() return "mastodon" end,
	invalid_indexes = function() return sql.invalid or error("the database is away") end,
	sql = function(_, _, text)
		for part, rows in pairs(sql) do
			if text:find(part, 1, true) then return rows end
		end
		error("the database is away")
	end,
}
local env = setmetatable({
	require = function(name) return name == "mastodon" and mastodon or assert(loadfile(folder .. "/" .. name .. ".lua"))() end,
	cause = function(answer) return answer.err end,
	trim = function(text) return (text:gsub("^%s+", ""):gsub("%s+$", "")) end,
	lines = function(text) local list = {} for line in text:gmatch("[^\r\n]+") do list[#list + 1] = line end return list end,
	q = function(text) return "'" .. text .. "'" end,
	sleep = function(_, wait)
		assert(wait.what and wait.look and wait.of and wait.seen)
		slept = slept + 1
		if slept == 3 then sql.postmaster = sql.later end
	end,
}, { __index = _G })
local reason = assert(loadfile(folder .. "/reason.lua", "t", env))()
local site = { site = { db = { user = "mastodon", direct = 5432, server = { started = "1000" } } } }

-- name, words of the command, what the host says, what the database says, what must be in the advice (false = none), what must not.
local cases = {
	{ "a full disk, and which", "Error: No space left on device (os error 28)", { ["df -Pk"] = "12 /home\n99999999 /\n" }, {}, "full is /home (0 MiB free)", "swap" },
	{ "a full disk that is none any more", "tar: x: Cannot write: No space left on device", { ["df -Pk"] = "99999999 /\n" }, {}, "is full now", "make room" },
	{ "no inodes", "ENOSPC: no space left on device", { ["df -Pk"] = "99999999 /\ninodes /home\n" }, {}, "no inodes are free", "swap" },
	{ "a disk that took the words along", "", { ["df -Pk"] = "0 /\n99999999 /home\n" }, {}, "full is / (0 MiB free), and what it said of that could not be kept", "swap", { code = 120 } },
	{ "the same behind the first words", "Building with Vite", { ["df -Pk"] = "0 /\n" }, {}, "full is / (0 MiB free)", "swap" },
	{ "nothing is said, and there is room", "", { ["df -Pk"] = "4096 /\n" }, {}, false },
	{ "a host that cannot be asked", "No space left on device", { ["df -Pk"] = false }, {}, false },
	{ "memory, and the kernel says so", "Killed", { dmesg = "Out of memory: Killed process 4711 (node)" }, {}, "add swap", nil },
	{ "killed, and the kernel says nothing", "pid 4711 SIGKILL (signal 9)", { dmesg = "" }, {}, "who or what did it is not known", "swap" },
	{ "137 without a word", "", { dmesg = "Out of memory: Killed process 1 (ruby)" }, {}, "add swap", nil, { code = 137 } },
	{ "vite is not there", "Usage Error: Couldn't find a script named \"vite\".", { ["test -x node_modules"] = "missing\n" }, {}, "JavaScript libraries", "swap" },
	{ "vite is there after all", "Usage Error: Couldn't find a script named \"vite\".", { ["test -x node_modules"] = "" }, {}, false },
	{ "rights", "EACCES: permission denied, open '/home/mastodon/live/public/packs/x.js'", { ["stat -c"] = "root 755 /home/mastodon/live/public/packs\n" }, {}, "belongs to root", "swap" },
	{ "rights of its own", "Permission denied @ rb_sysopen - /home/mastodon/live/.env.production", { ["stat -c"] = "mastodon 0 /home/mastodon/live/.env.production\n" }, {}, "has the mode 0", "chown" },
	{ "rights, no path", "git@github.com: Permission denied (publickey).", {}, {}, false },
	{ "a name", "curl: (6) Could not resolve host: cache.ruby-lang.org", { getent = "" }, {}, "app1 does not find the address of cache.ruby-lang.org", nil },
	{ "a name that is found again", "RequestError: getaddrinfo EAI_AGAIN registry.yarnpkg.com",
	{ getent = "1.2.3.4 registry.yarnpkg.com\n" }, {}, "app1 finds the address of registry.yarnpkg.com now", "resolv.conf" },
	{ "gems", "Could not find rails-8.1.3 in locally installed gems (Bundler::GemNotFound)", { ["bundle check"] = false }, {}, "not all installed", nil },
	{ "gems that are there", "x (Bundler::GemNotFound)", { ["bundle check"] = "ok" }, {}, false },
	{ "the role's statement timeout", "PG::QueryCanceled: ERROR:  canceling statement due to statement timeout",
	{}, { statement_timeout = { "5min" } }, "ends every statement of this user after 5min", "cancelled it" },
	{ "the same in German", "PG::QueryCanceled: FEHLER:  storniere Anfrage wegen Zeitüberschreitung der Anfrage", {}, { statement_timeout = { "5min" } }, "statement_timeout = 0", nil },
	{ "cancelled by somebody", "PG::QueryCanceled: ERROR:  canceling statement due to user request", {}, { statement_timeout = { "0" } }, "cancelled it", "ALTER ROLE" },
	{ "a database that is away", "PG::QueryCanceled: ERROR:  canceling statement due to user request", {}, {}, false },
	{ "the role's lock timeout", "PG::LockNotAvailable: FEHLER:  storniere Anfrage wegen Zeitüberschreitung beim Warten auf eine Sperre",
	{}, { lock_timeout = { "2s" } }, "for longer than 2s", nil },
	{ "a lock timeout of the command's own", "PG::LockNotAvailable: ERROR:  canceling statement due to lock timeout", {}, { lock_timeout = { "0" } }, "somebody held it", "of the role" },
	{ "PostgreSQL restarted", "PG::ConnectionBad: PQconsumeInput() FATAL:  terminating connection due to administrator command",
	{}, { postmaster = { "2000|17:14:05" } }, "PostgreSQL was restarted at 17:14:05 UTC", "pg_terminate_backend" },
	{ "the same in German", "PG::ConnectionBad: PQconsumeInput() FATAL:  breche Verbindung ab aufgrund von Anweisung des Administrators",
	{}, { postmaster = { "2000|17:14:05" } }, "PostgreSQL was restarted at 17:14:05 UTC", "pg_terminate_backend" },
	{ "no connection at all is not one that was cut", "PG::ConnectionBad: connection to server at \"db1\", port 5432 failed: FATAL:  Passwort-Authentifizierung für Benutzer »mastodon« fehlgeschlagen",
	{}, { postmaster = { "2000|17:14:05" } }, false },
	{ "PostgreSQL still down", "PG::ConnectionBad: connection to server at \"db1\" (10.0.0.1), port 5432 failed: FATAL:  the database system is starting up",
	{}, {}, "does not answer now (", "was rolled back" },
	{ "only this connection", "PG::ConnectionBad: PQconsumeInput() server closed the connection unexpectedly", {}, { postmaster = { "1000|09:00:00" } }, "pg_terminate_backend", "was restarted" },
	{ "an owner", "PG::InsufficientPrivilege: ERROR:  must be owner of table accounts",
	{}, { tableowner = { "accounts|postgres", "users|postgres" } }, "2 tables do not belong to mastodon (accounts belongs to postgres)", nil },
	{ "an owner, but all are ours", "ERROR:  must be owner of extension pg_stat_statements", {}, { tableowner = {} }, false },
	{ "double rows", "PG::UniqueViolation: ERROR:  could not create unique index \"x\"", {}, {}, "must be there once", nil },
	{ "what nobody knows", "the gizmo is askew", { dmesg = "Out of memory: Killed process 1 (x)" }, {}, false },
}

for _, case in ipairs(cases) do
	said, sql = case[3], case[4]
	local answer = { err = case[2], out = "", code = case[7] and case[7].code or 1 }
	local text = reason.words(site, "app1", answer)
	local advice = text:match("\nWhat this means: (.*)$")
	if case[5] == false then
		assert(not advice, case[1] .. ": no advice is due, but: " .. tostring(advice))
	else
		assert(advice and advice:find(case[5], 1, true), case[1] .. ": " .. text)
	end
	if case[6] then assert(not (advice or ""):find(case[6], 1, true), case[1] .. ": " .. text) end
	assert(case[2] == "" or text:find(case[2], 1, true) == 1, case[1] .. ": the cause comes first: " .. text)
end

-- A failed migration: which one, the class of the error in any language, and no index blamed that PostgreSQL calls whole.
local migrations = {
	{ "PG::DuplicateTable: ERROR:  relation \"zz_idx\" already exists", { invalid = { "zz_idx" } }, "an interrupted index stands in the way (zz_idx)" },
	{ "PG::DuplicateTable: ERROR:  relation \"zz\" already exists", { invalid = {} }, "was not noted as done" },
	{ "PG::DuplicateTable: FEHLER:  Relation »zz_idx« existiert bereits", { invalid = { "zz_idx" } }, "an interrupted index stands in the way (zz_idx)" },
	{ "PG::DuplicateColumn: FEHLER:  Spalte »zz« von Relation »y« existiert bereits", { invalid = {} }, "was not noted as done" },
	{ "PG::DiskFull: ERROR:  could not extend file \"base/1/2\": No space left on device", {}, "the database's disk is full" },
	{ "PG::QueryCanceled: FEHLER:  storniere Anfrage", { statement_timeout = { "1h" } }, "after 1h" },
	{ "StandardError: nobody knows", {}, nil },
}
for _, case in ipairs(migrations) do
	said, sql = {}, case[2]
	local text = reason.migration(site, "app1", { err = case[1], code = 1, out = "== 1 Done: migrating ===\n== 1 Done: migrated (0.1s) ===\n== 2 AddIt: migrating ===\n" })
	assert(text:find("in the migration 2 AddIt", 1, true), text)
	local advice = text:match("What this means: (.*)$")
	assert(case[3] and advice and advice:find(case[3], 1, true) or not case[3] and not advice, text)
end

-- What the caller knows of a migration's end comes before what can be guessed; and when PostgreSQL was started, at its last look.
sql = { postmaster = { "1000|09:00:00" } }
local gone = { err = "PG::ConnectionBad: PQconsumeInput() server closed the connection unexpectedly", code = 1, out = "" }
assert(reason.migration(site, "app1", gone, { started = "900" }):find("was restarted at 09:00:00", 1, true))
-- One that is just being started is waited for; one that stays away is told as that.
sql, slept = { later = { "1000|09:00:00" } }, 0
assert(reason.migration(site, "app1", gone, { started = "900" }):find("was restarted at 09:00:00", 1, true) and slept == 3)
sql, slept = {}, 0
assert(reason.migration(site, "app1", gone, { started = "900" }):find("does not answer now (", 1, true) and slept == 14)
assert(reason.migration(site, "app1", gone, { hint = "held by pid 4" }):find("What this means: held by pid 4.", 1, true))
print "ok"
