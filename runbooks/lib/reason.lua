-- reason.lua - why a command failed, and what helps. SPDX-License-Identifier: GPL-3.0-or-later
-- The words of the command are one witness. There is advice only where the host says the same when it is asked; a wrong one costs
-- a night. What matches is looked for in the lines that name the cause, never in all of the output: good runs warn of much.
local counted = require "counted"
local mastodon = require "mastodon"
local M = {}

-- Asks the host; what cannot be asked is no witness.
local function ask(s, host, cmd, root)
	local ok, answer = pcall(function()
		if root then return mastodon.root_read(host, cmd, { check = false }) end
		return mastodon.read(s, host, cmd, { check = false })
	end)
	return ok and answer.ok and trim(answer.out) or ""
end

local function mib(kb) return ("%d MiB"):format(kb // 1024) end

-- The path that an error names, if it is a whole one.
local function path_in(text)
	return text:match("['\"@ ](/[%w%._/@+-]+)") or text:match("^(/[%w%._/@+-]+)") or text:match("open '([^']+)'")
end

local DISKS = [[for d in . tmp node_modules vendor/bundle public public/packs /tmp /var/tmp "$HOME" %s; do [ -e "$d" ] && df -Pk "$d" | sed 1d; done | awk '!seen[$6]++ { print $4, $6 }'
for d in . /tmp; do df -Pi "$d" | sed 1d; done | awk '$2 > 0 && $4 < 100 && !seen[$6]++ { print "inodes", $6 }']]

-- File systems of what a step writes with less than so many KiB free, in words; nil when the host does not tell.
local function without_room(s, host, path, least)
	local full = {}
	local out = ask(s, host, DISKS:format(path and ("\"$(dirname %s)\""):format(q(path)) or ""))
	for _, line in ipairs(lines(out)) do
		local kb, mount = line:match("^(%d+) (.+)$")
		if kb and tonumber(kb) < least then full[#full + 1] = ("%s (%s free)"):format(mount, mib(tonumber(kb))) end
		if line:find("^inodes ") then full[#full + 1] = line:sub(8) .. " (no inodes are free: too many small files)" end
	end
	return out ~= "" and full or nil
end

local function full_disk(s, host, text)
	local full = without_room(s, host, path_in(text), 65536)
	if not full then return nil end
	if #full == 0 then return "no file system that this step writes to is full now: what filled it is gone, so try again" end
	return "full is " .. table.concat(full, ", ") .. ": make room there, then try again"
end

local function no_memory(s, host)
	local line = ask(s, host, [[{ dmesg 2>/dev/null || journalctl -k --since -1h -o cat --no-pager; } 2>/dev/null | grep -iE 'out of memory|oom-kill|killed process' | tail -n 1]], true)
	if line == "" then return "something killed it, and the kernel's log says nothing of memory: who or what did it is not known" end
	return ("the kernel ended it for want of memory (%s): add swap (fallocate -l 4G /swap; chmod 600 /swap; mkswap /swap; swapon /swap), then try again"):format(line:sub(1, 160))
end

local function not_allowed(s, host, text)
	local path = path_in(text)
	if not path then return nil end
	local out = ask(s, host, ([[p=%s; while [ ! -e "$p" ] && [ "$p" != / ]; do p=$(dirname "$p"); done; stat -c '%%U %%a %%n' "$p"]]):format(q(path)), true)
	local owner, mode, name = out:match("^(%S+) (%d+) (.+)$")
	if not owner then return nil end
	if owner == mastodon.user(s) then return ("%s belongs to %s and has the mode %s"):format(name, owner, mode) end
	return ("%s belongs to %s (mode %s), and the step runs as %s: somebody ran something there as %s. chown it back, then try again"):format(name, owner, mode, mastodon.user(s), owner)
end

local function no_name(s, host, text)
	local name = text:match("resolve host:? ([%w.-]+)") or text:match("EAI_AGAIN ([%w.-]+)") or text:match("ENOTFOUND ([%w.-]+)") or text:match("connection to ([%w.-]+):%d+")
		or text:match("https?://([%w.-]+)")
	if not name then return nil end
	if ask(s, host, "getent hosts " .. q(name)) ~= "" then return ("%s finds the address of %s now: try again"):format(host, name) end
	return ("%s does not find the address of %s (DNS, /etc/resolv.conf): mend that, then try again"):format(host, name)
end

local function no_gems(s, host)
	local ok, answer = pcall(mastodon.read, s, host, "bundle check", { check = false })
	if ok and not answer.ok then return "the gems of the code that lies there are not all installed: the step that installs them was left out or failed" end
end

local function no_packages(s, host)
	if ask(s, host, "test -x node_modules/.bin/vite || echo missing") == "missing" then
		return "the JavaScript libraries of this release are not there: the step that installs them was left out or failed"
	end
end

local function timed_out(s)
	local ok, rows = pcall(mastodon.sql, s, s.site, "SELECT current_setting('statement_timeout')")
	local limit = ok and rows[1] or nil
	if limit and limit ~= "0" then
		return ("PostgreSQL ends every statement of this user after %s (statement_timeout of the role or the database), so it would fail again. As postgres: "
			.. "ALTER ROLE %s SET statement_timeout = 0; then try again, and set it back afterwards"):format(limit, s.site.db.user)
	end
	if limit then return "somebody or something cancelled it. If an index was being built, the step offers to drop the half-built one; then try again" end
end

-- A lock that did not come within the limit of the role or the database (a limit of the runbook's own is told with who held it).
local function no_lock(s)
	local ok, rows = pcall(mastodon.sql, s, s.site, "SELECT current_setting('lock_timeout')")
	local limit = ok and rows[1] or nil
	if limit and limit ~= "0" then
		return ("somebody held a lock for longer than %s, which is all that PostgreSQL lets this user wait (lock_timeout of the role or the database). Find who has a long "
			.. "transaction open (SELECT pid, usename, state, xact_start FROM pg_stat_activity ORDER BY xact_start), let it end, then try again"):format(limit)
	end
	return "a lock did not come in the time that the command gives itself: somebody held it. Let their transaction end, then try again"
end

local STARTED = "SELECT extract(epoch FROM pg_postmaster_start_time())::bigint, to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'HH24:MI:SS')"
local BACK_LOOKS = 15

-- When PostgreSQL was started, of its own word; one that is just being restarted is waited for, not long. nil and words when it does not answer.
local function started_at(s)
	for i = 1, BACK_LOOKS do
		local ok, rows = pcall(mastodon.sql, s, s.site, STARTED)
		if ok then return rows[1] or "" end
		local why = trim((type(rows) == "table" and rows.text or tostring(rows)):match("[^\n]*") or ""):sub(1, 160)
		if i == BACK_LOOKS then return nil, why end
		sleep("2s", { what = "waiting for PostgreSQL to answer again", look = i, of = BACK_LOOKS, seen = why })
	end
end

-- The connection ended under the command: was PostgreSQL restarted, and is it back?
local function cut_off(s, _, _, answer)
	if not (s.site and s.site.db and s.site.db.direct) then return nil end
	local row, why = started_at(s)
	if not row then
		return ("PostgreSQL was stopped or restarted under it, and does not answer now (%s). Look at it (systemctl status postgresql, its log) and wait until it does; "
			.. "then try again"):format(why)
	end
	local started, at = row:match("^(%d+)|(.*)$")
	local before = answer and answer.started or s.site.db.server and s.site.db.server.started
	if before and started ~= before then
		return ("PostgreSQL was restarted at %s UTC, under it, and answers again. What ran in a transaction was rolled back: try again"):format(at)
	end
	return ("PostgreSQL itself runs on and answers (since %s UTC): this one connection was ended, by somebody (pg_terminate_backend), by a server process that died, or on "
		.. "the way. PostgreSQL's log tells which. What ran in a transaction was rolled back: try again"):format(at)
end

local function not_owner(s)
	local ok, rows = pcall(mastodon.sql, s, s.site, "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public' AND tableowner <> current_user ORDER BY 1")
	if not ok or #rows == 0 then return nil end
	local name, owner = rows[1]:match("^([^|]*)|(.*)$")
	return ("%s not belong to %s (%s belongs to %s). As postgres, for each: ALTER TABLE %s OWNER TO %s; then try again"):format(
		counted(#rows, "table does", "tables do"), s.site.db.user, name, owner,
		name, s.site.db.user)
end

local function double_rows()
	return "two rows have what must be there once; the line with DETAIL names it. An old index was perhaps damaged and let them in: see the documentation on index corruption"
end

-- Patterns of the cause, in the words of the programs and, where servers speak another language, the class of the error; then who is asked.
local KNOWN = {
	{ full_disk, "No space left on device", "ENOSPC", "os error 28" },
	{ no_memory, "^Killed$", "Killed$", "SIGKILL", "signal 9", "[Oo]ut of memory", "heap limit", "Cannot allocate memory" },
	{ no_packages, "find a script named \"vite\"", "vite: not found", "seem to have been installed" },
	{ no_gems, "Bundler::GemNotFound", "locally installed gems", "Could not find gem" },
	{ not_allowed, "Permission denied", "EACCES", "EPERM", "PermissionError" },
	{ no_name, "resolve host", "EAI_AGAIN", "ENOTFOUND", "name resolution", "Name or service not known" },
	{ cut_off, "PG::AdminShutdown", "PG::CrashShutdown", "PG::CannotConnectNow", "server closed the connection", "PQconsumeInput%(%)", "terminating connection", "the database system is " },
	{ no_lock, "PG::LockNotAvailable", "ActiveRecord::LockWaitTimeout", "canceling statement due to lock timeout" },
	{ timed_out, "PG::QueryCanceled", "canceling statement due to statement timeout", "canceling statement due to user request" },
	{ not_owner, "must be owner of", "PG::InsufficientPrivilege" },
	{ double_rows, "could not create unique index", "PG::UniqueViolation" },
}

-- A disk that fills under a command takes its last words, too: nothing of what came names the cause.
local function swallowed(s, host)
	local full = without_room(s, host, nil, 1024) or {}
	return #full > 0 and ("full is %s, and what it said of that could not be kept: make room there, then try again"):format(table.concat(full, ", ")) or nil
end

-- What is advised for that cause, or nil.
function M.advice(s, host, text, answer)
	local killed = answer and (answer.signal == "KILL" or answer.code == 137)
	for _, known in ipairs(KNOWN) do
		local found = known[1] == no_memory and killed
		for i = 2, #known do
			for _, line in ipairs(lines(text)) do found = found or line:find(known[i]) ~= nil end
		end
		if found then return known[1](s, host, text, answer) end
	end
	return swallowed(s, host)
end

-- The lines of a failed command that say why, each on a line of its own, and what helps where more than they speak for it.
function M.words(s, host, answer)
	local why = cause(answer)
	local text = why ~= "" and why or answer.signal and "it was ended by signal " .. answer.signal or ("it ended with status %s and said nothing"):format(tostring(answer.code))
	local advice = M.advice(s, host, why, answer)
	return (text:gsub("\n", "\n  ")) .. (advice and "\nWhat this means: " .. advice .. "." or "")
end

-- ---- migrations ----

-- Something of an earlier try stands there: an index that was interrupted can be told by its mark, other things cannot.
local function in_the_way(s)
	local ok, list = pcall(mastodon.invalid_indexes, s, s.site)
	if ok and #list > 0 then return ("an interrupted index stands in the way (%s); try again, and the step offers to drop it"):format(table.concat(list, ", ")) end
	return "an earlier try made it and was not noted as done: it is whole, as far as PostgreSQL says. Ask the release's issues before you drop anything"
end

-- What only a migration says, and what it means.
local HINTS = {
	{ "release advisory lock", "PgBouncer stands between: its port was used. Set db_direct_port to PostgreSQL's own port" },
	{ "another migration process is currently running", "another migration runs already, perhaps one that a lost connection left. "
		.. "Let it end (SELECT * FROM pg_stat_activity), then try again" },
	{ "requires PostgreSQL", "nothing was changed; upgrade PostgreSQL first" },
	{ "Zero%-downtime migrations", "nothing was changed; go the other way: way=full-stop" },
	{ "silent data corruption", "upgrade PostgreSQL to 14.4 or newer" },
	{ "Unable to decrypt OTP secret", "OTP_SECRET is not the one that the two-factor secrets were written with: find the old value" },
	{ "variables are set", "the ACTIVE_RECORD_ENCRYPTION_… keys are missing on this host" },
	{ "REDIS_NAMESPACE", "move the keys in Redis first (redis_namespace_migration)" },
	{ "index_accounts_on_username_and_domain_lower", "two accounts have one name: an old index was damaged and let them in. "
		.. "See the documentation on index corruption; `tootctl maintenance fix-duplicates` is no longer kept up" },
	{ "PG::DiskFull", "the database's disk is full: make room there, then try again; what was done stays done" },
	{ "could not extend file", "the database's disk is full: make room there, then try again; what was done stays done" },
	{ "already exists", in_the_way },
	{ "PG::Duplicate", in_the_way },
	{ "uninitialized constant", "RAILS_ENV or the gems are not right" },
}

-- The migration that was at work when it ended: begun, and not said to be migrated.
local function at_work(out)
	local name
	for _, line in ipairs(lines(out)) do
		name = line:match("^== +(%d+ [%w:]+): migrating") or line:match("^== +(%d+ [%w:]+): migrated") == name and nil or name
	end
	return name
end

-- The lines of a failed migration that matter, with advice. known: { hint = what the caller knows of it, started = when PostgreSQL was
-- started, as seen before }, each optional.
function M.migration(s, host, answer, known)
	local why, name, hint = cause(answer), at_work(answer.out), known and known.hint
	for _, h in ipairs(HINTS) do
		if not hint and why:find(h[1]) then hint = type(h[2]) == "function" and h[2](s) or h[2] end
	end
	hint = hint or M.advice(s, host, why, { code = answer.code, signal = answer.signal, started = known and known.started })
	return ("%s%s%s"):format(why:gsub("\n", "\n  "), name and "\n  in the migration " .. name or "", hint and "\nWhat this means: " .. hint .. "." or "")
end

mastodon.advice = M.advice

return M
