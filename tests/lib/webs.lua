-- webs.lua - of the upgrade only how it starts the webs anew behind the second part of the migration; for tests, beside a link
-- to runbooks/lib.
-- SPDX-License-Identifier: GPL-3.0-or-later
local preflight = require "preflight"
local services = require "services"

runbook { id = "webs", bellbook = 1, title = "Start the webs anew", about = "Nothing else.",
	params = {
		db_direct_port = { type = "integer", optional = true, ask = "Port?" },
		db_direct_host = { type = "text", optional = true, ask = "Host?" },
	},
	roles = { app = "1+" } }

observe "facts" { title = "What runs, and does it answer?", gives = { "site" }, run = function(s)
	preflight.look(s)
	local problems = services.problems(s, s.site)
	check(#problems == 0, table.concat(problems, "\n"))
end }

change "again" { title = "Start them anew", needs = { "site" }, gives = { "done" }, why = "A test.", back = "None.",
	run = function(s)
		services.restart_web(s, s.site, "spare")
		s.done = true
	end,
	done = function(s) return s.done == true end }
