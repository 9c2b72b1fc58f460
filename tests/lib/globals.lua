-- globals.lua - what runbooks find there already, for a library of theirs that a test runs alone with lua5.4. SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q trim lines same verdict
function q(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
function trim(text) return (text:gsub("^%s+", ""):gsub("%s+$", "")) end
function lines(text)
	local list = {}
	for line in text:gmatch("[^\r\n]+") do list[#list + 1] = line end
	return list
end

-- And what such a test says of each thing that it looked at, and of all of them at its end.
local wrong = 0
function same(what, got, wanted)
	if got == wanted then return end
	wrong = wrong + 1
	io.stderr:write(("%s\n  gives  %s\n  wanted %s\n"):format(what, tostring(got), tostring(wanted)))
end
function verdict() print(wrong == 0 and "ok" or "wrong") end
