-- each-read.lua - one reading command on several hosts (bellbook each --read HOST… -- COMMAND). SPDX-License-Identifier: GPL-3.0-or-later
local hosts = require "hosts"

runbook { id = "each-read", bellbook = 1, title = "Look at several hosts with one command",
	about = "Runs a command that only reads on every host named. It may be run again when a connection is lost.",
	params = {
		hosts = { type = "text", ask = "On which hosts or roles (names with blanks between them)?" },
		command = { type = "text", ask = "Which command? It must change nothing." },
		at_once = { type = "integer", default = 50, min = 1, max = 500, ask = "On how many hosts at once?" },
		stop_after = { type = "integer", default = 10000, min = 1, max = 10000, ask = "After how many failures are no more hosts begun?" },
	} }

observe "read" { title = "Look at every host",
	run = function(s)
		each(hosts.named(s, s.params.hosts), function(host)
			return ssh.read(host, s.params.command, { tell = true })
		end, { at_once = s.params.at_once, stop_after = s.params.stop_after })
	end }
