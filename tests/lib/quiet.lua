-- quiet.lua - tests: who is told to take no more jobs. Run as: lua5.4 quiet.lua RUNBOOKS/LIB
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q lines trim same verdict
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local processes, ran
package.loaded.hosts = {}
package.loaded.units = { look = function() return { processes = processes } end }
package.loaded.services = { state = function() return { ["mastodon-sidekiq"] = { pid = 7 }, ["sidekiq-push"] = { pid = 0 } } end }
package.loaded.mastodon = { live = function() return "/live" end, named_units = function() return {} end,
	units = function() return { "mastodon-sidekiq", "sidekiq-push" } end, root_run = function(_, cmd) ran[#ran + 1] = cmd end }
local sidekiq = require "sidekiq"

local function told(what, list, wanted)
	processes, ran = list, {}
	sidekiq.quiet({}, {}, "app1")
	same(what, table.concat(ran, "; "), wanted)
end

local MAIN = "systemctl kill -s TSTP --kill-who=main 'mastodon-sidekiq'"
local function one(pid, unit, helper) return { pid = pid, kind = "sidekiq", unit = unit, helper_of = helper } end
told("the main process", { one(7, "mastodon-sidekiq"), one(8, "mastodon-sidekiq", 7), one(9, "sidekiq-push") }, MAIN)
told("a shell stands before it", { one(11, "mastodon-sidekiq"), one(9), { pid = 10, kind = "web", unit = "mastodon-sidekiq" } }, "kill -TSTP 11")
told("a shell stands before two", { one(11, "mastodon-sidekiq"), one(12, "mastodon-sidekiq") }, "kill -TSTP 11 12")
told("nothing of it is known", {}, MAIN)
verdict()
