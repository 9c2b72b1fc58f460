-- each.lua - one command on several hosts (bellbook each HOST… -- COMMAND). SPDX-License-Identifier: GPL-3.0-or-later
local hosts = require "hosts"

runbook { id = "each", bellbook = 1, title = "One command on several hosts",
	about = "Runs a command that may change something on every host named, some at a time, and stops after the first failures.",
	params = {
		hosts = { type = "text", ask = "On which hosts or roles (names with blanks between them)?" },
		command = { type = "text", ask = "Which command?" },
		at_once = { type = "integer", default = 10, min = 1, max = 500, ask = "On how many hosts at once?" },
		stop_after = { type = "integer", default = 1, min = 1, max = 10000, ask = "After how many failures are no more hosts begun?" },
	} }

change "run" { title = "Run it on every host", gives = { "ran" },
	why = "You asked for this command. On each host it is run once and its outcome is kept.",
	run = function(s)
		s.ran = false
		each(hosts.named(s, s.params.hosts), function(host)
			return ssh.run(host, s.params.command)
		end, { at_once = s.params.at_once, stop_after = s.params.stop_after })
		s.ran = true
	end,
	-- Nobody but the person who typed the command knows how to check it; that it ran without a failure is what is known.
	done = function(s) return s.ran == true end }
