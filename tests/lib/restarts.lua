-- restarts.lua - of the upgrade only how it stops the webs for the migration and starts them again, or
-- starts them anew behind it; for tests, beside a link to runbooks/lib.
-- SPDX-License-Identifier: GPL-3.0-or-later
local preflight = require "preflight"
local services = require "services"

runbook { id = "restarts", bellbook = 1, title = "Start the webs anew", about = "Nothing else.",
	params = {
		way = { type = "choice", choices = { "stop", "spare" }, ask = "Stopped, or one by one?" },
		db_direct_port = { type = "integer", optional = true, ask = "Port?" },
		db_direct_host = { type = "text", optional = true, ask = "Host?" },
	},
	roles = { app = "1+" } }

local function way_is(way)
	return function(s) return s.params.way == way or "the other way is walked" end
end

observe "facts" { title = "What runs, and does it answer?", gives = { "site" }, run = function(s)
	preflight.look(s)
	local problems = services.problems(s, s.site)
	check(#problems == 0, table.concat(problems, "\n"))
end }

change "stop" { title = "Stop it", needs = { "site" }, gives = { "stopped" },
	why = "A test.", back = "None.", when = way_is "stop",
	run = function(s)
		services.stop(services.stops(s, s.site, { "web" }))
		s.stopped = true
	end,
	done = function(s) return s.stopped == true end }

manual "between" { title = "Meanwhile", why = "A test.", question = "Done?",
	text = "Whoever comes to the site comes now.", when = way_is "stop" }

observe "still" { title = "Is it still stopped?", needs = { "site" }, when = way_is "stop",
	run = function(s)
		for _, text in ipairs(services.running(s)) do s:note("RUNS " .. text) end
	end }

change "start" { title = "Start it", needs = { "site" }, gives = { "started" },
	why = "A test.", back = "None.", when = way_is "stop",
	run = function(s)
		services.restart_web(s, s.site, "restart")
		s.started = true
	end,
	done = function(s) return s.started == true end }

change "again" { title = "Start them anew", needs = { "site" }, gives = { "done" },
	why = "A test.", back = "None.", when = way_is "spare",
	run = function(s)
		services.restart_web(s, s.site, "spare")
		s.done = true
	end,
	done = function(s) return s.done == true end }
