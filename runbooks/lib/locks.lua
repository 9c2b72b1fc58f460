-- locks.lua - does the migration wait for a lock, who holds it up, and who waits behind it? SPDX-License-Identifier: GPL-3.0-or-later
--
-- PostgreSQL queues requests for locks: behind an ALTER TABLE that waits for somebody's open transaction everybody else waits who wants
-- that table, members' requests first of all. The migration's sessions are told by Rails' advisory lock, which may be held by another
-- session of the same process than the one that waits, and has no name of its own (application_name is empty for all of Mastodon): its
-- sessions are those of that user and address that are not much older, and wait as only changes of tables and indexes do.
local counted = require "counted"
local elsewhere = require "elsewhere"
local mastodon = require "mastodon"
local M = {}

-- What stands in a query of somebody else's: no text that it looks for (names, addresses), on one line, shortened.
local QUERY = [[left(regexp_replace(regexp_replace(%s, $r$'([^']|'')*('|$)$r$, $r$'?'$r$, 'g'), '\s+', ' ', 'g'), 120)]]

-- A session, in JSON. What belongs to another user is not shown to this one: then its state is NULL.
local SESSION = "pid, usename AS name, left(application_name, 40) AS app, host(client_addr) AS address, backend_type AS type, state, "
	.. "extract(epoch FROM clock_timestamp() - xact_start)::bigint AS age, " .. QUERY:format("query") .. " AS query"

-- waits: the longest wait of the migration; by: who is at the head of the queue before it; behind: sessions that wait because it waits;
-- held: sessions that wait for what it has got already.
local LOOK = [[WITH RECURSIVE lock AS (
	SELECT DISTINCT a.pid, a.usesysid, a.client_addr, a.backend_start FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.granted AND a.datname = current_database() AND a.usename = current_user),
ours AS (
	SELECT DISTINCT a.pid, a.query_start, a.pid IN (SELECT pid FROM lock) AS holder FROM pg_stat_activity a JOIN lock USING (usesysid)
	WHERE a.datname = current_database() AND a.client_addr IS NOT DISTINCT FROM lock.client_addr AND a.backend_start > lock.backend_start - interval '1 minute'),
strong AS (SELECT pid, granted FROM pg_locks WHERE locktype = 'relation'
	AND mode IN ('AccessExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock', 'ShareUpdateExclusiveLock')),
waits AS (
	SELECT l.pid, l.locktype AS kind, l.relation::regclass::text AS relation, coalesce((to_jsonb(l)->>'waitstart')::timestamptz, ours.query_start) AS since
	FROM pg_locks l JOIN ours USING (pid)
	WHERE NOT l.granted AND (ours.holder OR l.locktype = 'virtualxid' OR l.pid IN (SELECT pid FROM strong WHERE NOT granted)) ORDER BY since LIMIT 1),
chain(pid) AS (SELECT unnest(pg_blocking_pids(pid)) FROM waits UNION SELECT unnest(pg_blocking_pids(pid)) FROM chain),
blockers AS (SELECT pid FROM chain WHERE pid <> ALL (SELECT pid FROM waits) AND cardinality(pg_blocking_pids(pid)) = 0)
SELECT json_build_object(
	'waits', (SELECT json_build_object('pid', pid, 'kind', kind, 'relation', relation, 'since', to_char(since AT TIME ZONE 'UTC', 'HH24:MI:SS'),
		'age', extract(epoch FROM clock_timestamp() - since)::bigint) FROM waits),
	'behind', (SELECT count(DISTINCT l.pid) FROM pg_locks l, waits WHERE NOT l.granted AND l.pid <> waits.pid AND waits.pid = ANY (pg_blocking_pids(l.pid))),
	'held', (SELECT count(DISTINCT l.pid) FROM pg_locks l WHERE NOT l.granted
		AND pg_blocking_pids(l.pid) && (SELECT array_agg(pid) FROM strong JOIN ours USING (pid) WHERE granted)),
	'count', (SELECT count(*) FROM blockers),
	'by', (SELECT json_agg(b ORDER BY b.age DESC NULLS LAST) FROM
		(SELECT ]] .. SESSION .. [[ FROM blockers LEFT JOIN pg_stat_activity USING (pid) ORDER BY xact_start LIMIT 3) b))]]

-- Sessions that hold locks on a table, or on any of Mastodon's, in a transaction older than that many seconds.
local HOLDERS = [[SELECT json_build_object('by', json_agg(b)) FROM (SELECT ]] .. SESSION .. [[ FROM pg_stat_activity WHERE datname = current_database()
	AND pid <> pg_backend_pid() AND pid IN (SELECT pid FROM pg_locks WHERE granted AND locktype = 'relation' AND relation %s)
	AND coalesce(xact_start < clock_timestamp() - interval '%d seconds', true) ORDER BY xact_start LIMIT 3) b]]

local function ask(s, site, sql)
	local answer = mastodon.read(s, site.first, "PGCONNECT_TIMEOUT=10 " .. mastodon.pg(site, "psql -XAtq -v ON_ERROR_STOP=1") .. " -c " .. q(sql), { check = false })
	local ok, found = pcall(json.decode, trim(answer.out))
	if not answer.ok then return nil, cause(answer) end
	return ok and type(found) == "table" and found or nil, trim(answer.out):sub(1, 200)
end

-- What is hidden of a session from whom we ask as: then its state and the age of its transaction are NULL.
local function is_hidden(one) return one.pid ~= 0 and not (type(one.state) == "string" and one.state ~= "") and not tonumber(one.age) end

-- PostgreSQL shows another user's session to that one and to postgres alone: where the host of the database is known, it is asked there as postgres.
local function reveal(s, site, list)
	local pids = {}
	list = type(list) == "table" and list or {}
	for _, one in ipairs(list) do
		if is_hidden(one) then pids[#pids + 1] = tostring(one.pid) end
	end
	local host = #pids > 0 and elsewhere.db_hosts(s, site)[1]
	if not host then return list end
	-- It must be that server: system identifiers are hidden from some, when it was started from nobody.
	local sql = ("SELECT json_agg(a) FROM (SELECT %s FROM pg_stat_activity WHERE pid IN (%s) AND extract(epoch FROM pg_postmaster_start_time())::bigint = %s) a")
		:format(SESSION, table.concat(pids, ", "), site.db.server.started)
	local ok, answer = pcall(ssh.read, host, ("PGCONNECT_TIMEOUT=10 psql -XAtq -v ON_ERROR_STOP=1 -p %d -d %s -c %s"):format(site.db.server.port, q(site.db.name), q(sql)),
		{ as = "postgres", cwd = "/", check = false })
	local read, found = pcall(json.decode, ok and trim(answer.out) or "")
	if not ok and type(answer) == "table" and answer.kind == "canceled" then error(answer, 0) end
	local shown = {}
	for _, one in ipairs(read and type(found) == "table" and found or {}) do shown[one.pid] = one end
	for i, one in ipairs(list) do list[i] = is_hidden(one) and shown[one.pid] or one end
	return list
end

-- ---- in words ----

local function span(seconds)
	if seconds < 60 then return "less than a minute" end
	if seconds < 7200 then return ("%d min"):format(seconds // 60) end
	return ("%d h"):format(seconds // 3600)
end

local function some(text) return type(text) == "string" and text ~= "" and text or nil end

-- A session that holds a lock, and what is known of its transaction. Its query is told last: it may be long.
local function session(one)
	if one.pid == 0 then return "a prepared transaction, which belongs to no session (pg_prepared_xacts)" end
	local app, kind = some(one.app), some(one.type)
	local who = kind and kind ~= "client backend" and kind or app or "a program without a name"
	local from = some(one.address) and " from " .. one.address or ""
	local text = ("pid %s (%s%s%s)"):format(tostring(one.pid), who, some(one.name) and " of " .. one.name or "", from)
	if is_hidden(one) then
		return ("%s, whose age and query only that user and postgres may see. On the database's host: sudo -u postgres psql -c 'SELECT * FROM pg_stat_activity WHERE pid = %s'")
			:format(text, tostring(one.pid))
	end
	return ("%s, whose transaction is %s old%s%s"):format(text, tonumber(one.age) and span(one.age) or "?",
		some(one.state) and one.state:find("^idle") and " and does nothing now" or "",
		some(one.query) and (", %s: %s"):format(one.state == "active" and "at" or "last at", one.query) or "")
end

local function sessions(list, count)
	local out = {}
	for i, one in ipairs(type(list) == "table" and list or {}) do out[i] = session(one) end
	local more = (count or #out) - #out
	return #out > 0 and table.concat(out, "; ") .. (more > 0 and ("; and %d more"):format(more) or "") or nil
end

local WHAT = { virtualxid = "for transactions that are older than the index it builds", transactionid = "for a row that somebody else changes",
	tuple = "for a row that somebody else changes" }

local function waiting(found)
	local w = found.waits
	local what = some(w.relation) and "for a lock on " .. w.relation or WHAT[w.kind] or ("for a lock (%s)"):format(tostring(w.kind))
	local behind = found.behind > 0 and counted(found.behind, "session waits behind it", "sessions wait behind it") .. " (members' requests, jobs)"
		or "nobody waits behind it"
	return ("It waits %s since %s UTC (%s); %s. Held up by %s"):format(what, w.since or "?", span(tonumber(w.age) or 0), behind,
		sessions(found.by, found.count) or "somebody who is gone by now")
end

-- For a step's meter: whether the migration waits, for whom, and who waits for it; nil while there is nothing to say.
function M.meter(s)
	local site = s.site
	if not site or not site.db or not site.db.direct then return nil end
	local found, why = ask(s, site, LOOK)
	if not found then return "PostgreSQL was asked whether the migration waits for a lock: " .. why:match("^[^\n]*") end
	if type(found.waits) == "table" then
		found.by = reveal(s, site, found.by)
		return waiting(found)
	end
	if found.held > 0 then
		return ("It waits for nobody; %s for a table that it changes"):format(counted(found.held, "session waits", "sessions wait"))
	end
	return "It waits for no lock"
end

-- ---- a wait that was cut short ----

-- The table that the last statement of a migration's output was about: "-- add_column(:users, …".
local function table_in(out)
	local name
	for _, line in ipairs(lines(out)) do name = line:match("^%-%- [%w_]+%(:([%w_]+)") or line:match("^%-%- [%w_]+%(\"([%w_]+)\"") or name end
	return name
end

-- Who holds what a migration did not get within that many seconds, just after it gave up; and the table, where its output names one.
function M.seen_after(s, site, out, seconds)
	local name = table_in(out)
	local which = name and ("= to_regclass('public.%s')"):format(name) or "IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
	local found, why = ask(s, site, HOLDERS:format(which, seconds))
	if not found then return "it could not be seen who held it: " .. why, name end
	return sessions(reveal(s, site, found.by)) or "it is not known who held it: by now nobody does", name
end

-- Did a command end because a lock did not come in time? By the class of the error: its words are in the server's language.
function M.is_timeout(answer)
	local text = answer.err .. "\n" .. answer.out
	return not answer.ok and (text:find("PG::LockNotAvailable", 1, true) or text:find("ActiveRecord::LockWaitTimeout", 1, true)) ~= nil
end

return M
