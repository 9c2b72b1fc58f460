-- stops.lua - of the upgrade only how it stops everything for the migration, and starts it again; for tests, beside a link to runbooks/lib.
-- SPDX-License-Identifier: GPL-3.0-or-later
local preflight = require "preflight"
local services = require "services"

runbook { id = "stops", bellbook = 1, title = "Stop and start", about = "Nothing else.",
	params = {
		db_direct_port = { type = "integer", optional = true, ask = "Port?" },
		db_direct_host = { type = "text", optional = true, ask = "Host?" },
	},
	roles = { app = "1+" } }

observe "facts" { title = "What runs?", gives = { "site" }, run = function(s) preflight.look(s) end }

change "stop" { title = "Stop it", needs = { "site" }, gives = { "stopped" }, why = "A test.", back = "None.",
	run = function(s)
		services.stop(services.stops(s, s.site, { "web" }))
		s.stopped = true
	end,
	done = function(s) return s.stopped == true end }

manual "between" { title = "Meanwhile", why = "A test.", question = "Done?", text = "Whoever comes to the site comes now." }

observe "still" { title = "Is it still stopped?", needs = { "site" }, run = function(s)
	for _, text in ipairs(services.running(s)) do s:note("RUNS " .. text) end
end }

change "start" { title = "Start it", needs = { "site" }, gives = { "started" }, why = "A test.", back = "None.",
	run = function(s)
		services.restart_web(s, s.site, "restart")
		s.started = true
	end,
	done = function(s) return s.started == true end }
