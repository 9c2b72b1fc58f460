-- copies.lua - notes of digests beside copies: they count as long as nobody wrote to the copy. usage: lua5.4 copies.lua RUNBOOKS/LIB FOLDER (empty)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals same verdict
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local folder = arg[2]
local copies = assert(loadfile(arg[1] .. "/copies.lua", "t", setmetatable({ require = function() return {} end }, { __index = _G })))()

local function sh(text)
	local p <close> = assert(io.popen("cd '" .. folder .. "' && " .. text))
	return p:read("a")
end

local a, b = folder .. "/a", folder .. "/b c"
local function digest(file) return sh("sha256sum <'" .. file .. "'"):match("^%x+") end
local function look() return sh(copies.DIGESTS:format(("'%s' '%s' '%s/none'"):format(a, b, folder))) end
local function both(one, two) return ("%s %s\n%s %s\n"):format(one, a, two, b) end

sh("echo one >a; echo two >'b c'")
same("no note: they are read", look(), both(digest(a), digest(b)))
-- A note that could only come from the note.
sh(copies.NOTE:format(("'%s:%s' '%s:%s'"):format("aaaa", a, "bbbb", b)))
same("noted", look(), both("aaaa", "bbbb"))
same("only its owner may read it", sh("stat -c %a .a.sha256"), "600\n")
-- As many bytes, with the times of before: when it was changed nobody can set.
sh("touch -r a then; printf 'ONE\\n' >a; touch -r then a")
same("written to", look(), both(digest(a), "bbbb"))
sh("echo two >'b d'; mv 'b d' 'b c'")
same("replaced", look(), both(digest(a), digest(b)))
verdict()
