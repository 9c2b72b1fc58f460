-- units.lua - tests: which units of a host are Mastodon's, by what they run, and which only have to do with it. Run as: lua5.4 units.lua RUNBOOKS/LIB
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q lines trim check ssh same verdict
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
function check(ok, text) if not ok then error({ text = text }, 0) end return ok end
local units = require "units"

-- "NAME KIND RUNS" of each unit that counts as Mastodon's; procs: { pid, kind, unit's pid }; list: { name, exec, folder=, active=, type=, enabled=, pid= }.
local function found(procs, list)
	local text = { "now=1000", "live=/home/mastodon/live" }
	for _, p in ipairs(procs) do text[#text + 1] = ("proc=%d|%s|10|mastodon|0|live||%d %d|x"):format(p[1], p[2], p[1], p[3]) end
	for _, u in ipairs(list) do
		text[#text + 1] = ("unit=%s.service\nId=%s.service\nType=%s\nLoadState=%s\nActiveState=%s\nSubState=x\nUnitFileState=%s\nMainPID=%d\nWorkingDirectory=%s\nExecStart=%s"):format(u[1], u[1],
			u.type or "simple", u.load or "loaded", u.active or "active", u.enabled or "enabled", u.pid or 0, u.folder or "",
			u[2] and ("{ path=/x ; argv[]=%s ; ignore_errors=no ; start_time=[n/a] }"):format(u[2]) or "")
	end
	ssh = { read = function() return { out = table.concat(text, "\n") .. "\n", err = "" } end }
	local names = {}
	for name, unit in pairs(units.look("app1", "/home/mastodon/live", {}).units) do names[#names + 1] = ("%s %s%s"):format(name, unit.kind, unit.runs and " runs" or "") end
	table.sort(names)
	return table.concat(names, ", ")
end
local function elsewhere(list)
	found({}, list)
	local names = {}
	for name, one in pairs(units.look("app1", "/home/mastodon/live", {}).elsewhere) do names[#names + 1] = ("%s %s %s"):format(name, one.kind, one.folder) end
	table.sort(names)
	return table.concat(names, ", ")
end

local LIVE = "/home/mastodon/live"
local function official(name, exec) return { name, exec, folder = LIVE, pid = 7 } end

same("the official ones", found({ { 7, "sidekiq", 7 } }, { official("mastodon-sidekiq", "/home/mastodon/.rbenv/shims/bundle exec sidekiq -c 25"),
	official("mastodon-web", "/home/mastodon/.rbenv/shims/bundle exec puma -C config/puma.rb"), official("mastodon-streaming@4000", "/usr/bin/node ./streaming") }),
	"mastodon-sidekiq sidekiq runs, mastodon-streaming@4000 streaming runs, mastodon-web web runs")
same("through a shell", found({}, { official("toot-jobs", "/bin/bash -lc cd /home/mastodon/live && exec bundle exec sidekiq -c 5"),
	official("toot", "/bin/bash -lc bundle exec rails server -b 127.0.0.1") }), "toot web runs, toot-jobs sidekiq runs")
same("by a script of one's own", found({ { 9, "sidekiq", 8 } }, { { "mastodon-sidekiq-push", "/usr/local/bin/push", pid = 8 } }), "mastodon-sidekiq-push sidekiq runs")
same("by a script, and stopped", found({}, { { "mastodon-sidekiq-push", "/usr/local/bin/push", folder = LIVE, active = "inactive" } }), "mastodon-sidekiq-push sidekiq runs")
same("masked", found({}, { { "mastodon-sidekiq", nil, load = "masked", active = "inactive", enabled = "masked" } }), "mastodon-sidekiq sidekiq")
-- Another Mastodon, or this one where nobody said that it lies.
same("in another folder", elsewhere { { "mastodon-web", "bundle exec puma", folder = "/srv/toot" }, { "mastodon-sidekiq", "bundle exec sidekiq", folder = "/srv/toot", active = "inactive" },
	official("toot-web", "bundle exec puma") }, "mastodon-web web /srv/toot")
-- They watch it, count it or ask for its pages; none of them is it.
for _, one in ipairs {
	{ "mastodon-sidekiq-watchdog", "/usr/local/bin/sidekiq-watchdog.sh", pid = 8 }, { "mastodon-sidekiq-watchdog", "/usr/local/bin/sidekiq-watchdog.sh", folder = LIVE, pid = 8 },
	{ "mastodon-web-exporter", "/opt/puma-exporter/bin/run --to 127.0.0.1:9394", pid = 8 }, { "sidekiq-exporter", "/usr/local/bin/sidekiq_exporter", folder = LIVE, pid = 8 },
	{ "mastodon-web-warm", "/usr/bin/curl -s http://127.0.0.1:3000/", type = "oneshot", active = "inactive" },
	{ "mastodon-streaming-check", "/usr/bin/node /opt/streaming-check/index.js", pid = 8 } } do
	same(one[1] .. (one.folder and " in its folder" or ""), found({}, { one }), "")
end

-- ---- who they run as ----

for _, name in ipairs { "elsewhere", "hosts", "pages", "places", "proof", "settings", "services", "sidekiq" } do package.loaded[name] = {} end
package.loaded.mastodon = { user = function() return "mastodon" end }
local preflight = require "preflight"
local function asked(processes)
	local ok, why = pcall(preflight.demand_user, { all = function() return { "app1" } end }, { hosts = { app1 = { processes = processes } } })
	return ok and "ok" or why.text
end
same("as Mastodon's user, and by hand as another", asked { { ours = true, unit = "mastodon-web", kind = "web", user = "mastodon" }, { ours = true, kind = "sidekiq", user = "ann" },
	{ ours = true, unit = "mastodon-streaming", kind = "streaming", user = "streaming" }, { ours = false, unit = "toot-web", kind = "web", user = "toot" } }, "ok")
same("as another", asked({ { ours = true, unit = "mastodon-web", kind = "web", user = "toot" }, { ours = true, unit = "mastodon-web", kind = "web", user = "toot" } }):match("^(.-):"),
	"mastodon-web on app1 runs as toot, and Mastodon's user is mastodon after the fleet file")
verdict()
