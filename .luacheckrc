-- Names that a runbook may use: what bellbook's sandbox gives it, and nothing else.
-- SPDX-License-Identifier: GPL-3.0-or-later
std = {
	read_globals = {
		-- Lua's own, as far as the sandbox has it
		"_G", "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
		"rawlen", "rawset", "require", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall",
		math = { other_fields = true }, string = { other_fields = true }, table = { other_fields = true },
		utf8 = { other_fields = true },
		-- the skeleton
		"runbook", "phase", "observe", "change", "irreversible", "manual", "gate", "wait", "hold",
		-- the world and the people
		ssh = { other_fields = true }, here = { other_fields = true }, outside = { other_fields = true }, pg = { other_fields = true },
		http = { other_fields = true }, elastic = { other_fields = true }, mastodon = { other_fields = true },
		dns = { other_fields = true }, mail = { other_fields = true }, secret = { other_fields = true },
		"each", "ask", "confirm", "note", "say", "fail", "warn", "sleep", "now", "random", "retry", "check", "cause",
		"q", "lines", "trim", json = { other_fields = true },
	},
}
max_line_length = 200
max_string_line_length = false
-- A fleet file is a table built from references to secrets; a test of the checker may hold faults on purpose.
exclude_files = { "tests/runbook/bad/**", "runbooks/types/**" }
