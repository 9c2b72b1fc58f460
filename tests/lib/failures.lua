-- failures.lua - a runbook without hosts: what services.lua takes from a unit's journal, told as notes. For tests, beside a link to runbooks/lib.
-- SPDX-License-Identifier: GPL-3.0-or-later
local services = require "services"

runbook { id = "failures", bellbook = 1, title = "Failures", about = "A test.",
	params = { journal = { type = "text", ask = "Which file?" }, restarted = { type = "boolean", ask = "Is it of a restart?" } } }

observe "look" { title = "Look",
	run = function(s)
		local text = here.read({ "cat", s.params.journal }).out
		s:note("[[" .. services.excerpt(text, s.params.restarted) .. "]]")
	end }
