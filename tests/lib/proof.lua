-- proof.lua - what a web's sockets say of the database that it uses. usage: lua5.4 proof.lua RUNBOOKS/LIB
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local env, wrong, sockets = setmetatable({}, { __index = _G }), 0, ""
local server = { system = "7", oid = "16390", name = "toot", started = "1000", since = "1970-01-01 00:16:40", port = 5432 }
local row = "bellbook 7|16390|toot|1000|1970-01-01 00:16:40|5432\n"
local parts = { services = {}, sidekiq = {}, settings = { db_words = function() return "toot" end } }

function env.require(name) return parts[name] or name == "counted" and assert(loadfile(arg[1] .. "/counted.lua"))() end
function env.fail(text) error({ text = text }, 0) end
parts.mastodon = { hosts_with = function() return { "app1" } end, units = function() return { "mastodon-web" } end, page = function() end,
	domain = function() return "toot.example" end, is_healthy = function() return true end,
	sql = function() return { "41||-1|toot", "42|127.0.0.1|40000|toot", "43||-1|other", "44|127.0.0.1|40001|other", "45|||" } end,
	root_read = function() return { out = sockets } end, read = function(_, _, text) return { ok = true, err = "", out = text:find("rails", 1, true) and row or "" } end }
local proof = assert(loadfile(arg[1] .. "/proof.lua", "t", env))()

-- What comes of it: the note, or why nothing is begun.
local function look(text)
	local said = {}
	local session = { note = function(_, note) said[#said + 1] = note end, warn = function(_, warning) said[#said + 1] = "! " .. warning end, fleet = {}, params = {} }
	session.site = { first = "app1", hosts = { app1 = { web_port = 3000 } }, redis = { host = "localhost", port = 6379 },
		db = { host = "", port = 5432, direct = 5432, direct_host = "", server = server } }
	sockets = "pids 7\n" .. text
	local ok, why = pcall(proof.database, session)
	return ok and table.concat(said, "\n") or "refused: " .. (type(why) == "table" and why.text or tostring(why))
end

local function holds(what, text, ...)
	for _, words in ipairs { ... } do
		if not text:find(words, 1, true) then
			wrong = wrong + 1
			io.stderr:write(("%s\n  gives   %s\n  without %s\n"):format(what, text, words))
		end
	end
end

local REDIS = "tcp 127.0.0.1:50000 127.0.0.1:6379\n"
holds("a connection to it", look(REDIS .. "unix /run/postgresql/.s.PGSQL.5432 ,41\n"), "1 socket of the web on app1 is its connection; Rails names the same")
holds("two connections to it", look(REDIS .. "unix /run/postgresql/.s.PGSQL.5432 ,41\ntcp 127.0.0.1:40000 127.0.0.1:5432\n"), "2 sockets of the web on app1 are its connections")
holds("to another server", look(REDIS .. "tcp 127.0.0.1:50001 10.0.0.9:5432\n"), "refused: ", "holds connections to 10.0.0.9 port 5432: none of them leads there")
-- DB_NAME was changed since the web was started: the server is the same, and so are its address and its port.
holds("to another database of that server", look(REDIS .. "unix /run/postgresql/.s.PGSQL.5432 ,43\n"), "refused: ",
	"on app1 the web (pids 7) is connected to the database other of that server")
holds("to another one by TCP", look(REDIS .. "tcp 127.0.0.1:40001 127.0.0.1:5432\n"), "refused: ", "is connected to the database other of that server")
holds("to both", look("tcp 127.0.0.1:40001 127.0.0.1:5432\ntcp 127.0.0.1:40000 127.0.0.1:5432\n"), "1 socket of the web on app1 is its connection")
-- Just started: it has asked Redis, and no database yet.
holds("to Redis alone", look(REDIS), "! Only Rails' word tells", "no connection of the web (pids 7) to any database was seen", "Rails names the same")

-- ---- a database that lets nobody in ----

-- What is said of a database that answers with these words, when its catalogue says that.
local function find(words, allowed)
	parts.mastodon.live, parts.mastodon.user = function() return "/live" end, function() return "mastodon" end
	function parts.settings.pg(_, db, program) return program .. " " .. db.name end
	function parts.mastodon.read(_, _, text)
		if text:find("datallowconn", 1, true) then return { ok = allowed ~= nil, out = allowed or "", err = "" } end
		return { ok = false, out = "", err = words }
	end
	local site = { first = "app1", hosts = { app1 = {} }, db = { host = "", port = 5432, name = "toot", user = "mastodon" } }
	local _, why = pcall(proof.find, { params = {}, fleet = {} }, site)
	return why.text
end

function env.check(ok, text) if not ok then error({ text = text }, 0) end return ok end
for _, words in ipairs { 'FATAL:  database "toot" is not currently accepting connections', "FATAL:  Datenbank »toot« akzeptiert gegenwärtig keine Verbindungen" } do
	holds("closed", find(words, "f\n"), words, "Nobody may connect to it", 'psql postgres -c \'ALTER DATABASE "toot" WITH ALLOW_CONNECTIONS true\'')
end
for _, allowed in ipairs { "t\n", false } do
	if find("FATAL:  kein Zutritt", allowed or nil):find("Nobody may connect", 1, true) then
		wrong = wrong + 1
		io.stderr:write("it is open, or not known to be closed\n")
	end
end
print(wrong == 0 and "ok" or "wrong")
