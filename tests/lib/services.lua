-- services.lua - tests: what would start a unit again is stopped before it and started before it; a web whose words do not come to the journal. Run as:
-- lua5.4 services.lua RUNBOOKS/LIB
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q lines trim same verdict
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))

local shown, log, workers, ran	-- unit → what systemctl show says; the journal; since when its workers run; what was run

package.loaded.hosts = { on_all = function(s, fn)
	local map = {}
	for _, host in ipairs(s:all "app") do map[host] = fn(host) end
	return map
end }
package.loaded.pages = { workers_since = function() return workers end }
package.loaded.mastodon = {
	live = function() return "/live" end, named_units = function() return {} end,
	hosts_with = function(s) return s:all "app" end,
	units = function(_, _, kind) return { "mastodon-" .. kind } end,
	root_run = function(host, cmd) ran[#ran + 1] = host .. " " .. cmd end,
	root_read = function(_, cmd)
		assert(#ran == 0, "looked at behind the first change: " .. cmd)
		if cmd:find("journalctl", 1, true) then return { out = cmd:find("-o cat", 1, true) and log:gsub("[^\n]-%]: ", "") or log, ok = true } end
		local out = {}
		for name in cmd:gmatch("'([^']+)'") do out[#out + 1] = ("Id=%s\n%s"):format(name, shown[name] or "") end
		return { out = table.concat(out, "\n\n") .. "\n", ok = true }
	end,
}
package.loaded.units = { is_up = function(unit) return unit.active == "active" end, look = function(host)
	return { units = { ["mastodon-web"] = { active = host == "app1" and "active" or "inactive" } }, processes = {
		{ pid = 7, ours = true, unit = "mastodon-web", user = "mastodon", args = "puma" }, { pid = 8, ours = host == "app2", user = "ann", args = "sidekiq 8" },
		{ pid = 9, ours = true, helper_of = 7, user = "mastodon", args = "puma: cluster worker" } } }
end }
local services = require "services"
local said
local s = { all = function() return { "app1", "app2" } end, warn = function(_, text) said[#said + 1] = text end }

local function stops(what, units, commands, warning)
	shown, ran, said = units, {}, {}
	services.stop(services.stops(s, {}, { "web", "sidekiq" }))
	same(what, table.concat(ran, "\n"), commands)
	same(what .. ": words", said[1] and said[1]:find(warning or "", 1, true) and warning or said[1], warning)
end

stops("as the guide has it", {}, [[app1 systemctl stop 'mastodon-web'
app2 systemctl stop 'mastodon-web'
app1 systemctl stop 'mastodon-sidekiq'
app2 systemctl stop 'mastodon-sidekiq']])
local SOCKET = { ["mastodon-web.service"] = "TriggeredBy=mastodon-web.socket", ["mastodon-web.socket"] = "ActiveState=active\nUnitFileState=enabled" }
stops("a web behind its socket", SOCKET, [[app1 systemctl stop 'mastodon-web.socket' 'mastodon-web'
app2 systemctl stop 'mastodon-web.socket' 'mastodon-web'
app1 systemctl stop 'mastodon-sidekiq'
app2 systemctl stop 'mastodon-sidekiq']])
stops("a timer that nobody enabled, and one that is off", { ["mastodon-sidekiq.service"] = "TriggeredBy=jobs.timer night.timer", ["jobs.timer"] = "ActiveState=active\nUnitFileState=disabled",
	["night.timer"] = "ActiveState=inactive\nUnitFileState=enabled" }, [[app1 systemctl stop 'mastodon-web'
app2 systemctl stop 'mastodon-web'
app1 systemctl stop 'jobs.timer' 'mastodon-sidekiq'
app2 systemctl stop 'jobs.timer' 'mastodon-sidekiq']], "jobs.timer starts mastodon-sidekiq again, so it is stopped, too. It is not enabled")

local function waking(what, units, text)
	shown, ran = units, {}
	same(what, services.waking("app1", { "mastodon-web" })["mastodon-web"], text)
end

waking("nothing is to be started before it", {}, "")
waking("its socket still listens", SOCKET, "")
SOCKET["mastodon-web.socket"] = "ActiveState=inactive\nUnitFileState=enabled"
waking("its socket was stopped with it", SOCKET, "systemctl start 'mastodon-web.socket' && ")
SOCKET["mastodon-web.service"] = SOCKET["mastodon-web.service"] .. "\nActiveState=active"
waking("it runs, and listens itself", SOCKET, "")
SOCKET["mastodon-web.service"], SOCKET["mastodon-web.socket"] = "TriggeredBy=mastodon-web.socket", "ActiveState=inactive\nUnitFileState=disabled"
waking("its socket was switched off", SOCKET, "")

same("what runs", table.concat(services.running(s), "; "), "app1: mastodon-web is active; app2: pid 8 of ann: sidekiq 8")

-- ---- the journal ----

local function booted(what, text, since, wanted)
	log, workers, ran = text, since, {}
	same(what, services.has_booted("app1", { "mastodon-web" }, "1000"), wanted)
end

local SYSTEMD = "Dec 01 08:00:00 app1 systemd[1]: Reloaded mastodon-web.service - mastodon-web.\n"
booted("its words", SYSTEMD .. "Dec 01 08:00:01 app1 bundle[7]: [7] - Worker 0 (PID: 9) booted in 1s, phase: 0\n", 900, true)
booted("without those words its workers' age tells nothing", SYSTEMD .. "Dec 01 08:00:01 app1 bundle[7]: something\n", 1002, false)
booted("it says nothing there, and its workers are the old ones", SYSTEMD, 900, false)
booted("it says nothing there, and its workers are new", SYSTEMD, 1002, true)
booted("it says nothing there, and has no worker", SYSTEMD, nil, false)
verdict()
