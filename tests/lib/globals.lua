-- globals.lua - what runbooks find there already, for a library of theirs that a test runs alone with lua5.4. SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q trim lines
function q(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
function trim(text) return (text:gsub("^%s+", ""):gsub("%s+$", "")) end
function lines(text)
	local list = {}
	for line in text:gmatch("[^\r\n]+") do list[#list + 1] = line end
	return list
end
