-- locks.lua - of the upgrade only the steps that migrate, as it has them; for tests, beside a link to runbooks/lib.
-- SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local migration = require "migration"
local preflight = require "preflight"

runbook { id = "locks", bellbook = 1, title = "Migrate", about = "The code lies there already.",
	params = {
		lock_wait = { type = "integer", default = 1, ask = "How many seconds may a migration wait for a lock?" },
		db_direct_port = { type = "integer", optional = true, ask = "Port?" },
		db_direct_host = { type = "text", optional = true, ask = "Host?" },
	},
	roles = { app = "1+" } }

observe "facts" { title = "What runs?", gives = { "site" }, run = function(s) preflight.look(s) end }

change "migrate" { title = "The first part", needs = { "site" }, why = "A test.", back = "None.",
	run = function(s) migration.run(s, "migrate", true) end,
	meter = migration.meter,
	done = function(s) return #mastodon.down(s, s.site, true) == 0 end }

change "migrate-post" { title = "The second part", needs = { "site" }, why = "A test.", back = "None.",
	run = function(s) migration.run(s, "migrate-post") end,
	meter = migration.meter,
	done = function(s) return #mastodon.down(s, s.site) == 0 end }
