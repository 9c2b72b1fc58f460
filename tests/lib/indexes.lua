-- indexes.lua - the look at unique indexes asks the server that the settings lead to, on its port. usage: lua5.4 indexes.lua RUNBOOKS/LIB
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals same verdict
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local asked, answers, noted = {}, {}, {}

local env = setmetatable({}, { __index = _G })
function env.require(name)
	if name == "versions" then return assert(loadfile(arg[1] .. "/versions.lua", "t", env))() end
	if name == "elsewhere" then return { db_hosts = function() return { "db1" } end } end
	return setmetatable({}, { __index = function() return {} end })
end
function env.check(value, text) return value or error({ text = text }, 0) end
env.ssh = { read = function(host, cmd, how)
	asked[#asked + 1] = ("%s %s %s"):format(host, how.as, cmd)
	return table.remove(answers, 1)
end }
local versions = env.require "versions"
local preflight = assert(loadfile(arg[1] .. "/preflight.lua", "t", env))()

-- Looks on the way to that version; what the server says one after the other, then what was asked, noted or refused with.
local function look(port, to, ...)
	asked, answers, noted = {}, { ... }, {}
	local session = { fleet = { roles = { db = { "db1" } } }, note = function(_, text) noted[#noted + 1] = text end }
	local ok, why = pcall(preflight.index_check, session, { collate = "C.UTF-8", db = { name = "toot", server = { port = port } } }, versions.parse(to), versions.parse "4.5.15")
	return table.concat(asked, "\n"), ok and table.concat(noted, "\n") or "refused: " .. (type(why) == "table" and why.text or tostring(why))
end

local function said(text) return { ok = true, out = text, err = "" } end
local silent = { ok = false, out = "", err = "could not connect\n" }

local cmd, word = look(5433, "4.6.5", said "1\n", said "one|\ntwo|\n")
local ports, all = 0, 0
for line in cmd:gmatch("db1 postgres psql[^\n]*") do
	all = all + 1
	if line:find(" -p 5433 -d 'toot' ", 1, true) then ports = ports + 1 end
end
same("another port: asked there, twice", ports .. " of " .. all, "2 of 2")
same("whole", word, "2 unique indexes over text are whole.")
word = select(2, look(5433, "4.6.5", said "0\n"))
same("no amcheck, another port", word, "Whether indexes are whole was not checked, because amcheck is not installed. 4.7 will want it: sudo -u postgres psql -p 5433 -d toot -c "
	.. "'CREATE EXTENSION amcheck' (on the primary; PostgreSQL's contrib package has it)")
word = select(2, look(5432, "4.6.5", said "0\n"))
same("no amcheck", word:match("sudo.-amcheck'"), "sudo -u postgres psql -d toot -c 'CREATE EXTENSION amcheck'")
word = select(2, look(5432, "4.6.5", silent))
same("no answer", word, "Whether indexes are whole was not checked. db1: PostgreSQL did not answer as its user postgres: could not connect")
same("damaged", select(2, look(5432, "4.6.5", said "1\n", { ok = false, out = "", err = "item order invariant violated\n" })):match("^refused: An index is damaged") ~= nil, true)
verdict()
