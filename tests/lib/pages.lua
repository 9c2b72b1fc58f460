-- pages.lua - what members meet, against tables and a real web: only what became different is a fault, and a web is asked where it listens.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- usage: lua5.4 pages.lua RUNBOOKS/LIB SOCKET ADDRESS PORT    a web as tests/lib/places.py listens on both.
-- luacheck: std lua54, globals q lines trim same verdict
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local mastodon = require "mastodon"
local pages = require "pages"

function mastodon.read(_, _, cmd)	-- luacheck: ignore
	local p <close> = assert(io.popen(cmd))
	return { out = p:read("a"), err = "", ok = true }
end

-- ---- the look from outside: what was so before is no fault ----

local function looks(status, why, says)
	local one = { usual = "200", path = "/about", status = status, why = why, files = {} }
	return { looks = { ["the page about the server"] = one, ["the inbox"] = { usual = "401", path = "/inbox", status = "401", says = says ~= false and "not signed" or nil, files = {} } }, files = {} }
end

local s = { fleet = { mastodon = { domain = "social.example", web = "social.example", url = "https://social.example" } } }
-- A password before the site; a proxy that refuses curl; a certificate of its own; the maintenance page; AUTHORIZED_FETCH.
for _, one in ipairs { { "401" }, { "403" }, { "000", "curl: (60) SSL certificate problem: self-signed certificate" }, { "503" }, { "301" } } do
	local before = looks(one[1], one[2])
	local faults, known = pages.differences(s, before, looks(one[1], one[2]))
	same(one[1] .. " as before: faults", #faults, 0)
	same(one[1] .. " as before: said", #known, 1)
	same(one[1] .. " as before: words", known[1] ~= nil and known[1]:find("as it did before (usual is 200)", 1, true) ~= nil, true)
	if one[2] then same("why nothing is answered", known[1]:find(one[2], 1, true) ~= nil, true) end
	faults, known = pages.differences(s, looks "200", looks(one[1], one[2]))
	same("200, then " .. one[1], #faults .. " " .. #known, "1 0")
	same("200, then " .. one[1] .. ": words", faults[1]:find("before the upgrade it answered 200", 1, true) ~= nil, true)
	faults, known = pages.differences(s, before, looks "200")
	same(one[1] .. ", then 200", #faults .. " " .. #known, "0 0")
	faults = pages.differences(s, before, looks "502")
	same(one[1] .. ", then 502", #faults, 1)
end
-- An inbox that something before Mastodon refuses: known where it was so, a fault where it was not.
local faults, known = pages.differences(s, looks("200", nil, false), looks("200", nil, false))
same("a refusal before the inbox", #faults .. " " .. #known, "0 1")
faults = pages.differences(s, looks "200", looks("200", nil, false))
same("a refusal before the inbox since then", #faults, 1)

-- ---- the web itself, where it listens ----

for _, place in ipairs { { socket = arg[2] }, { address = arg[3], port = tonumber(arg[4]) } } do
	local where = place.socket and "socket" or "address"
	s.site = { hosts = { app1 = { web = { place } } } }
	local found = pages.direct(s, "app1", "/@admin/1/embed")
	for name, look in pairs(found) do same(("%s: %s"):format(where, name), look.status, look.usual) end
	same(where .. ": all layouts", found["the embed of a post"] ~= nil and found["the start page"].files[1], "/packs/assets/application-0123abcd.js")
	local warm = pages.warm(s, "app1", nil, "admin", 2)
	same(where .. ": warm", warm["/about"], "200")
	same(where .. ": warm, an error", warm["/explore"], "500")
	same(where .. ": warm, not there", warm["/bellbook-is-not-there"], "404")
end
verdict()
