-- migration.lua - one run of the migrations: who blocks it is seen, it gives way to members where it can be repeated, its end is named.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A migration that waits for a lock makes everybody wait behind it who wants the same table. One that runs in a transaction is rolled back
-- whole when it gives up (lock_timeout), and can be run again as if nothing had been. One that does not (disable_ddl_transaction!, as every
-- index that is built beside the writers) leaves a half-built index and is not noted as done: it is never given a limit, only watched.
local locks = require "locks"
local mastodon = require "mastodon"
local preflight = require "preflight"
local proof = require "proof"
local reason = require "reason"
local M = {}

local TRIES = 6

-- Of these migrations (version, name) the ones whose file says that they run outside of a transaction; and whether the settings have PGOPTIONS
-- of their own, which would be lost beside ours.
local function outside_transaction(s, site, pending)
	local list, versions = {}, {}
	for i, name in ipairs(pending) do versions[i] = name:match("^%d+") end
	local out = mastodon.read(s, site.first, ("for v in %s; do grep -ls '^[^#]*disable_ddl_transaction!' db/migrate/\"$v\"_*.rb db/post_migrate/\"$v\"_*.rb; done; "
		.. "grep -hs '^[[:space:]]*\\(export \\)\\{0,1\\}PGOPTIONS=' .env.production.local .env.production .env.local .env | head -n 1 | cut -d = -f 1; true"):format(table.concat(versions, " "))).out
	for _, name in ipairs(pending) do
		if out:find("/" .. name:match("^%d+") .. "_", 1, true) then list[#list + 1] = name end
	end
	return list, out:find("PGOPTIONS", 1, true) ~= nil
end

-- Seconds that a lock may be waited for, or nil: as long as it takes.
local function limit_of(s, site, skip)
	local limit, pending = s.params.lock_wait, mastodon.down(s, site, skip)
	if limit == 0 or #pending == 0 then return nil end
	local outside, own = outside_transaction(s, site, pending)
	if own then return nil end
	if #outside == 0 then return limit end
	s:note(("It waits for locks as long as it takes, because of %s: cut short outside of a transaction, that would leave a half-built index. Who blocks it is "
		.. "shown while it waits, and members wait behind it: end what blocks."):format(table.concat(outside, ", ")))
	return nil
end

-- Words of a migration that got no lock, and what can be done.
local function no_lock(s, site, answer, limit, seen, name)
	return reason.migration(s, site.first, answer, { hint = ("a lock%s did not come. %d times it was waited for, %d s each, and then given up, so that members could go on; "
		.. "this migration was rolled back whole, those before it are done. Seen last to hold it: %s.\nWhat can be done: find whoever runs that, let it end, then try again; or try "
		.. "again at a quieter time. Started again with lock_wait=0 it waits as long as it takes, and members' requests wait behind it. As postgres, SELECT pg_terminate_backend(PID) "
		.. "ends that session at once: whatever it has not committed is lost to the one who does it, so ask first"):format(name and " on " .. name or "", TRIES, limit, seen) })
end

-- Runs the migrations as a job of that name. skip: without those of after the deployment.
function M.run(s, name, skip)
	local site = s.site
	local server = proof.still(s, site)
	preflight.drop_invalid(s, site)
	local env = mastodon.migrate_env(site, skip and { SKIP_POST_DEPLOYMENT_MIGRATIONS = "true" } or nil)
	local limit = limit_of(s, site, skip)
	-- Processes that were started before do not know the new columns: when it ended is noted where it ran.
	local cmd = (limit and ('PGOPTIONS="${PGOPTIONS:+$PGOPTIONS }-c lock_timeout=%ds" '):format(limit) or "")
		.. "bundle exec rails db:migrate; e=$?; mkdir -p tmp/bellbook; date +%s.%N >tmp/bellbook/migrated; exit $e"
	for i = 1, TRIES do
		local answer = mastodon.job(s, site.first, name, cmd, { env = env, check = false })
		if answer.ok then
			if i > 1 then s:note(("It got its lock at the %d. try."):format(i)) end
			return
		end
		if not limit or not locks.is_timeout(answer) then
			fail("The migration failed.\n" .. reason.migration(s, site.first, answer, { started = server.started }))
		end
		local seen, where = locks.seen_after(s, site, answer.out, limit)
		if i == TRIES then fail("The migration failed.\n" .. no_lock(s, site, answer, limit, seen, where)) end
		if i == 1 then
			s:warn(("The migration got no lock%s within %d s; it was rolled back, and lets members go on before it is tried again. Held by %s"):format(where and " on " .. where or "",
				limit, seen))
		end
		sleep(("%ds"):format(2 * limit), { what = "waiting for a lock that the migration needs", look = i, of = TRIES, seen = seen })
	end
end

M.meter = locks.meter

return M
