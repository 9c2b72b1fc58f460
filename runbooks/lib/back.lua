-- back.lua - what an upgrade wrote down for the way back, and a dump put in the place of a database. SPDX-License-Identifier: GPL-3.0-or-later
--
-- The record lies beside the dump, so that the way back is known also where the journal is not.
local counted = require "counted"
local mastodon = require "mastodon"
local settings = require "settings"
local versions = require "versions"
local M = {}

local SEARCH = [[for f in $(ls -t %s/before-*.record 2>/dev/null); do
	c=$(sed -n 's/^commit=//p' "$f")
	grep -qxF %s "$f" && ! grep -qxF %s "$f" && git cat-file -e "$c^{commit}" 2>/dev/null || continue
	sed -n 's/^from=//p' "$f"
	echo "$c"
	echo "$f"
	sed -n 's/^dump=//p' "$f"
	exit 0
done]]

-- The newest record with the one line and without the other, whose commit git still has: { from, commit, file, dump }, or nil.
local function record_with(s, site, has, lacks)
	local out = lines(mastodon.read(s, site.first, SEARCH:format(q(s.params.backup_dir), q(has), q(lacks))).out)
	return out[4] and { from = out[1], commit = out[2], file = out[3], dump = out[4] } or nil
end

-- The commit of the code that runs. An upgrade that is begun again finds the new code there already: then an earlier record from that release
-- names the old one's, or its tag, unless that is the makers' and a fork runs.
local function running_commit(s, site)
	local here = site.hosts[site.first]
	local runs, lies = versions.parse(site.from), versions.parse(here.git.version or "")
	local head = trim(mastodon.read(s, site.first, "git rev-parse HEAD").out)
	if not runs or not lies or versions.says(lies.full, runs.full, here.env) then return head end
	local earlier = record_with(s, site, "from=" .. site.from, "commit=" .. head)
	local tagged = versions.says(runs.text, runs.full, here.env)
	local commit = earlier and earlier.commit
		or tagged and trim(mastodon.read(s, site.first, ("git rev-parse -q --verify %s; true"):format(q(runs.tag .. "^{commit}"))).out) or ""
	check(commit:match("^%x+$"), ("%s: what lies there is %s, and what runs is %s; neither an earlier record in %s%s tells the commit of that one, so the way "
		.. "back would not be known. git reflog there names it: check it out, and start again"):format(site.first, lies.full, runs.full, s.params.backup_dir,
		tagged and " nor a tag " .. runs.tag or ""))
	return commit
end

local IDENTITY = { "user", "key", "domain", "vapid" }

-- Units that a person said are to stay off: "HOST UNIT;…".
local function off_words(site)
	local list = {}
	for name in pairs(site.off or {}) do list[#list + 1] = name end
	table.sort(list)
	return #list > 0 and " " .. q("off=" .. table.concat(list, ";")) or ""
end

-- The way back leaves them off, too.
function M.leave_off(site, r)
	for name in (r.off or ""):gmatch("[^;]+") do site.off[name] = true end
end

local function identity_words(before)
	local list = {}
	for _, name in ipairs(IDENTITY) do
		local value = (before or {})[name]
		if value then list[#list + 1] = " " .. q(name .. "=" .. value:gsub("\n", "\\n")) end
	end
	return table.concat(list)
end

-- Where no web answers, the server's identity is what the upgrade saw before. Whose key was seen else may not be whose is seen afterwards. True
-- when the record tells it.
function M.complete(s, before, r)
	if before.domain then return true end
	if not s.params.account then before.key = nil end
	if not r.domain then return false end
	for _, name in ipairs(IDENTITY) do before[name] = r[name] and r[name]:gsub("\\n", "\n") or before[name] end
	s:note(("No web answers now: the key of @%s, the server's name and the key of push notifications are compared with those in the record."):format(before.user))
	return true
end

-- An upgrade to that release which was begun before and not ended: its record names what ran before it, whatever the web says by now (it may
-- have been started anew with the new code). As record_with gives it.
function M.begun_before(s, site, target)
	local runs = versions.parse(site.from)
	if site.again or not runs or runs.text ~= target then return nil end
	return record_with(s, site, "target=" .. target, "from=" .. site.from)
end

-- ---- what of a database the old code does not bear ----

-- Migrations that the code at a commit has: number → "migrate" or "post_migrate". Nothing, where that commit is not.
local function files_at(s, site, commit)
	local map = {}
	local out = mastodon.read(s, site.first, ([[git ls-tree -r --name-only %s db/migrate db/post_migrate 2>/dev/null |
sed -n 's#^db/\([a-z_]*migrate\)/\([0-9]*\)_.*#\1 \2#p'; true]]):format(q(commit))).out
	for kind, number in out:gmatch("(%S+) (%d+)") do map[number] = kind end
	return map
end

-- Of these migrations the ones that the old code does not bear. r: commit, and goal (the newer commit) or target. What both know not was there before
-- (a fork's) or is newer than that goal: told by schema, the newest of the time when the record was made.
local function not_borne(s, site, r, done)
	local old, list = files_at(s, site, r.commit), {}
	local new = r.goal and files_at(s, site, r.goal) or {}
	if not next(new) then new = files_at(s, site, "v" .. r.target) end
	check(next(old), ("%s: git does not know the commit %s, the one to go back to"):format(site.first, r.commit:sub(1, 12)))
	for _, number in ipairs(done) do
		if not old[number] and (new[number] == "post_migrate" or not new[number] and r.schema and tonumber(number) > tonumber(r.schema)) then list[#list + 1] = number end
	end
	return list
end

-- Migrations that have run and that the old code does not bear: with one of them only the dump leads back.
function M.second_part(s, site, r)
	return not_borne(s, site, r, mastodon.sql(s, site, "SELECT version FROM schema_migrations ORDER BY 1"))
end

-- The same of what lies in the dump: then it is no way back.
function M.dump_has(s, site, r)
	local out = mastodon.read(s, site.first, ("pg_restore -a -t schema_migrations -f - %s"):format(q(r.dump)), { timeout = "2h" }).out
	local done = {}
	for number in out:gmatch("\n(%d+)%f[\n]") do done[#done + 1] = number end
	return not_borne(s, site, r, done)
end

-- The database's own time. Taken before a dump begins: what is written from then on may not be in it.
function M.now(s, site) return mastodon.sql(s, site, "SELECT floor(extract(epoch FROM now()))::bigint")[1] end

-- Written by the upgrade, once its dump is proven. Gives the file's name. at: when that was begun (M.now).
-- before: what was compared (verify.identity), or nil: after a full stop no web tells it.
-- Begun again when something of the second part had run, the new dump leads nowhere: then the record of before it stays the newest one.
function M.write(s, site, file, target, at, before)
	local record = file:gsub("%.dump$", "") .. ".record"
	local goal = site.goal or {}
	local begun = M.begun_before(s, site, target)
	local ran = begun or { from = site.from, commit = running_commit(s, site) }
	local second = ran.from ~= target and not_borne(s, site, { commit = ran.commit, goal = goal.commit, target = target },
		mastodon.sql(s, site, "SELECT version FROM schema_migrations ORDER BY 1")) or {}
	if #second > 0 then
		local whole = begun and mastodon.read(s, site.first, "test -s " .. q(begun.dump), { check = false }).ok
		s:warn(("The database has migrations that %s does not bear (%s), and so has this dump: it is no way back. %s"):format(ran.from, table.concat(second, ", "),
			whole and ("That is the earlier dump %s, with the record %s: what was written since then is lost by it."):format(begun.dump, begun.file)
			or "No earlier dump of this upgrade lies in the folder, so there is none but a backup of your own."))
		return begun and begun.file or nil
	end
	local cmd = ("printf '%%s\\n' from=%s target=%s commit=%s dump=%s schema=%d at=%s%s%s%s >%s && mv %s %s"):format(q(ran.from), q(target), ran.commit, q(file),
		site.schema, q(at), goal.commit and " goal=" .. q(goal.commit) or "", off_words(site), identity_words(before), q(record .. ".part"), q(record .. ".part"), q(record))
	mastodon.run(s, site.first, cmd)
	return record
end

-- The newest record of the folder, or the one that is named: { from, target, commit, dump, schema, at, file }.
function M.read(s, site)
	local file = s.params.record
	if not file then
		local function newest(host) return trim(mastodon.read(s, host, ("ls -t %s/before-*.record 2>/dev/null | head -n 1"):format(q(s.params.backup_dir))).out) end
		file = newest(site.first)
		for _, host in ipairs(file == "" and s:all "app" or {}) do
			local there = host ~= site.first and newest(host) or ""
			check(there == "", ("%s:%s holds no record of an upgrade, but %s does (%s), with its dump: it was the first of the role app then. Put it first in the fleet file again")
				:format(site.first, s.params.backup_dir, host, there))
		end
		check(file ~= "", ("%s:%s holds no record of an upgrade (before-….record): upgrades before this release of bellbook wrote none. Go back by hand")
			:format(site.first, s.params.backup_dir))
	end
	local r = { file = file }
	for _, line in ipairs(lines(mastodon.read(s, site.first, "cat " .. q(file)).out)) do
		local key, value = line:match("^(%l+)=(.*)$")
		if key then r[key] = value end
	end
	check(r.from and r.target and r.dump and tonumber(r.schema) and tonumber(r.at) and (r.commit or ""):match("^%x+$"), file .. " is no whole record of an upgrade")
	return r
end

-- What runs, and what the record is about: words when these have nothing to do with one another, as after an upgrade that left no record.
function M.not_about(site, r)
	local runs = versions.parse(site.from)
	for _, one in ipairs { r.from, r.target } do
		local v = versions.parse(one)
		if not runs or not v or (runs[1] == v[1] and runs[2] == v[2] and runs[3] == v[3]) then return nil end
	end
	return ("the record %s is about an upgrade from %s to %s, and what runs is %s: something came after it that left no record here"):format(r.file, r.from, r.target, site.from)
end

-- What members and others wrote since the dump, by kind: it is not in the dump.
function M.since(s, site, r)
	local rows = mastodon.sql(s, site, ([[SELECT (SELECT count(*) FROM statuses WHERE created_at > to_timestamp(%d) AT TIME ZONE 'UTC' AND local),
(SELECT count(*) FROM statuses WHERE created_at > to_timestamp(%d) AT TIME ZONE 'UTC' AND NOT coalesce(local, false)),
(SELECT count(*) FROM users WHERE created_at > to_timestamp(%d) AT TIME ZONE 'UTC'),
(SELECT count(*) FROM follows WHERE created_at > to_timestamp(%d) AT TIME ZONE 'UTC')]]):format(r.at, r.at, r.at, r.at))
	local own, others, users, follows = (rows[1] or ""):match("^(%d+)|(%d+)|(%d+)|(%d+)$")
	check(own, "what was written since the dump could not be counted: " .. tostring(rows[1]))
	return { own = tonumber(own), words = table.concat({ counted(tonumber(own), "post of members", "posts of members"),
		counted(tonumber(others), "post from elsewhere", "posts from elsewhere"), counted(tonumber(users), "new member"), counted(tonumber(follows), "new follow") }, ", ") }
end

-- psql to another database of the same server: nobody can rename the one they are in.
local function psql(site, name, program)
	local db = {}
	for k, v in pairs(site.db) do db[k] = v end
	db.name = name
	return settings.pg(site.hosts[site.first], db, program or "psql -XAtq -v ON_ERROR_STOP=1", site.db.direct_host, site.db.direct)
end

local function ident(name) return '"' .. name:gsub('"', '""') .. '"' end
local function text(value) return "'" .. value:gsub("'", "''") .. "'" end

function M.sql(s, site, name, statement)
	return lines(mastodon.read(s, site.first, psql(site, name) .. " -c " .. q(statement)).out)
end

local function alter(s, site, statement)
	mastodon.run(s, site.first, psql(site, "postgres") .. " -c " .. q(statement))
end

-- Of a database: encoding, locale, tablespace, and who gives the locale (since PostgreSQL 15; the columns have other names from release to release).
local KIND = "SELECT pg_encoding_to_char(encoding), datcollate, datctype, spcname, coalesce(to_jsonb(d) ->> 'datlocprovider', ''), "
	.. "coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale', ''), coalesce(to_jsonb(d) ->> 'daticurules', '') "
	.. "FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = %s"

-- The statement that makes an empty database like the one that KIND's row is of.
function M.create_words(name, row)
	local encoding, collate, ctype, space, provider, locale, rules = (row or ""):match("^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(%a?)|([^|]*)|(.*)$")
	check(encoding, "the database's encoding is not known")
	local by = { c = " LOCALE_PROVIDER libc", i = " LOCALE_PROVIDER icu ICU_LOCALE " .. text(locale) .. (rules ~= "" and " ICU_RULES " .. text(rules) or ""),
		b = " LOCALE_PROVIDER builtin BUILTIN_LOCALE " .. text(locale) }
	return ("CREATE DATABASE %s TEMPLATE template0 ENCODING %s LC_COLLATE %s LC_CTYPE %s%s%s"):format(ident(name), text(encoding), text(collate), text(ctype),
		by[provider] or "", space ~= "pg_default" and " TABLESPACE " .. ident(space) or "")
end

local function create(s, site, name)
	alter(s, site, M.create_words(name, M.sql(s, site, "postgres", KIND:format(text(site.db.name)))[1]))
end

-- Settings that are lists of names: PostgreSQL keeps them quoted as they must be said again.
local LISTS = { local_preload_libraries = true, search_path = true, session_preload_libraries = true, shared_preload_libraries = true,
	temp_tablespaces = true, unix_socket_directories = true }

-- The same for the new database; say gives the words for a database. What only an administrator may say is told to a person.
local function carry_one(s, site, name, say)
	local answer = mastodon.run(s, site.first, psql(site, "postgres") .. " -c " .. q(say(ident(name))), { check = false })
	if answer.ok then return end
	s:warn(("Not carried over to the restored database: %s. As an administrator of PostgreSQL, once it has its name: %s"):format(trim(answer.err):sub(1, 200),
		say(ident(site.db.name))))
end

-- What a dump has not, as it belongs to the database and not to what is in it: ALTER DATABASE … SET, also for one role, who may connect, how many may.
local function carry(s, site, name)
	local old = ("(SELECT oid FROM pg_database WHERE datname = %s)"):format(text(site.db.name))
	for _, one in ipairs(M.sql(s, site, "postgres", ("SELECT coalesce(pg_get_userbyid(nullif(setrole, 0)), '') || '|' || unnest(setconfig) FROM pg_db_role_setting "
		.. "WHERE setdatabase = %s ORDER BY 1"):format(old))) do
		local role, key, value = one:match("^([^|]*)|([%w_.]+)=(.*)$")
		if key then
			carry_one(s, site, name, function(db)
				return ("%s %s SET %s TO %s"):format(role ~= "" and ("ALTER ROLE %s IN DATABASE"):format(ident(role)) or "ALTER DATABASE", db, key,
					LISTS[key] and value ~= '""' and value or text(value))
			end)
		end
	end
	local granted = M.sql(s, site, "postgres", ("SELECT privilege_type || '|' || is_grantable || '|' || coalesce(pg_get_userbyid(nullif(grantee, 0)), '') FROM "
		.. "(SELECT (aclexplode(datacl)).* FROM pg_database WHERE oid = %s) AS g ORDER BY 1"):format(old))
	-- Without a word about it, everybody may connect.
	if #granted > 0 then carry_one(s, site, name, function(db) return ("REVOKE ALL ON DATABASE %s FROM PUBLIC"):format(db) end) end
	for _, one in ipairs(granted) do
		local right, again, role = one:match("^([^|]+)|([^|]+)|(.*)$")
		carry_one(s, site, name, function(db)
			return ("GRANT %s ON DATABASE %s TO %s%s"):format(right, db, role == "" and "PUBLIC" or ident(role), again == "true" and " WITH GRANT OPTION" or "")
		end)
	end
	local limit = M.sql(s, site, "postgres", ("SELECT datconnlimit FROM pg_database WHERE oid = %s"):format(old))[1]
	if limit and limit ~= "-1" then carry_one(s, site, name, function(db) return ("ALTER DATABASE %s WITH CONNECTION LIMIT %s"):format(db, limit) end) end
end

-- Prepared transactions of the database belong to no session, and PostgreSQL renames no database that has one. Who may end one must be in the database
-- for it: so this is said while it is open. nil: there is none.
local function prepared(s, site)
	local list = M.sql(s, site, "postgres", ("SELECT quote_literal(gid) || ' of ' || owner || ' since ' || to_char(prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') "
		.. "|| ' UTC' FROM pg_prepared_xacts WHERE database = %s ORDER BY prepared"):format(text(site.db.name)))
	if #list == 0 then return nil end
	return ("a prepared transaction is open in the database (%s), and while it is the database cannot be renamed. The program that prepared it ends it; where that is gone, its "
		.. "owner or an administrator, in %s: ROLLBACK PREPARED %s (or COMMIT PREPARED: ask who runs that program)"):format(table.concat(list, "; "), site.db.name,
		list[1]:match("^('.*') of "))
end

-- What PostgreSQL will not let this user do, before anything is stopped for it.
function M.problem(s, site)
	local row = M.sql(s, site, "postgres", ("SELECT (rolcreatedb OR rolsuper) || '|' || pg_has_role(datdba, 'USAGE') || '|' || pg_get_userbyid(datdba) || '|' || rolname "
		.. "FROM pg_roles, pg_database WHERE rolname = current_user AND datname = %s"):format(text(site.db.name)))[1]
	local may, owns, owner, user = (row or ""):match("^(%a+)|(%a+)|([^|]*)|(.*)$")
	check(may, "whether a second database may be made is not known: " .. tostring(row))
	if may ~= "true" then
		return ("%s may make no database, and the dump is restored into a second one. As an administrator of PostgreSQL: ALTER ROLE %s CREATEDB"):format(user, ident(user))
	end
	if owns ~= "true" then
		return ("the database belongs to %s, and %s may not rename it. As an administrator of PostgreSQL: ALTER DATABASE %s OWNER TO %s"):format(owner, user,
			ident(site.db.name), ident(user))
	end
	return prepared(s, site)
end

function M.exists(s, site, name)
	return #M.sql(s, site, "postgres", "SELECT 1 FROM pg_database WHERE datname = " .. text(name)) > 0
end

-- Sessions in the database that are not this user's: PostgreSQL lets nobody rename it while they are there, and lets only their own user and
-- administrators end them.
local function others(s, site)
	return M.sql(s, site, "postgres", ("SELECT 'pid ' || pid || ' of ' || usename FROM pg_stat_activity WHERE datname = %s AND usename <> current_user ORDER BY pid")
		:format(text(site.db.name)))
end

local function end_words(site)
	return ("sudo -u postgres psql -p %d -c %s"):format(site.db.server.port,
		q(("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"):format(text(site.db.name))))
end

local function demand_none_prepared(s, site)
	local open = prepared(s, site)
	check(not open, open)
end

-- Nobody gets into the damaged database any more, and who is in is put out: also a process that nobody knows of. Whoever may not be put out
-- is asked for before anything is restored, as a dump may take hours: they cannot come back meanwhile.
local function fence(s, site)
	demand_none_prepared(s, site)
	alter(s, site, ("ALTER DATABASE %s WITH ALLOW_CONNECTIONS false"):format(ident(site.db.name)))
	alter(s, site, ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user AND pid <> pg_backend_pid()"):format(text(site.db.name)))
	local there = others(s, site)
	while #there > 0 do
		local answer = s:ask { type = "choice", text = ("Others are in the database (%s). Are they gone now?"):format(table.concat(there, ", ")), default = "look",
			details = ("While anybody is in it, it cannot be renamed. Nobody new gets in any more. %s may not end these sessions (a monitor, somebody's psql, a backup); on the "
				.. "database's host:\n  $ %s"):format(site.db.user, end_words(site)),
			choices = { { value = "look", label = "Look again" }, { value = "stop", label = "Leave it", help = "The database is opened again." } } }
		there = others(s, site)
		check(answer == "look" or #there == 0, ("others are in the database (%s): nothing was done"):format(table.concat(there, ", ")))
	end
	-- One of those who were in it may have prepared it meanwhile.
	demand_none_prepared(s, site)
end

-- Does this while nobody gets into the database. When it fails the database is opened again: nothing of it was changed.
function M.fenced(s, site, doing)
	local ok, why = pcall(function()
		fence(s, site)
		doing()
	end)
	if ok then return end
	if type(why) == "table" and (why.kind == "canceled" or why.kind == "foreseen") then error(why, 0) end
	local opened, because = pcall(alter, s, site, ("ALTER DATABASE %s WITH ALLOW_CONNECTIONS true"):format(ident(site.db.name)))
	if not opened and type(because) == "table" and because.kind == "canceled" then error(because, 0) end
	if not opened then s:warn("The database could not be opened again: " .. (type(because) == "table" and because.text or tostring(because))) end
	error(why, 0)
end

-- Extensions that the dump names: some may be made by the owner of a database, the others by an administrator alone.
local function extend(s, site, r, name)
	local listed = mastodon.read(s, site.first, ("pg_restore -l %s | sed -n 's/^.* EXTENSION - \\([^ ]*\\) *$/\\1/p'"):format(q(r.dump))).out
	for _, extension in ipairs(lines(listed)) do
		local statement = "CREATE EXTENSION IF NOT EXISTS " .. ident(extension)
		local answer = mastodon.run(s, site.first, psql(site, name) .. " -c " .. q(statement), { check = false })
		if not answer.ok then
			s:warn(("The restored database is without the extension %s: %s. As an administrator of PostgreSQL, in %s once it has its name: %s"):format(extension,
				trim(answer.err):match("[^\n]*"), site.db.name, statement))
		end
	end
end

-- Of a dump's list what only an administrator may make and somebody else made: it would end the restore. (A publication of all tables, an event trigger, an
-- administrator's default rights, foreign servers.)
local OTHERS = [[awk -v me=%s '{ k = $0; sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", k)
	other = k ~ /^(COMMENT - )?(PUBLICATION|SUBSCRIPTION|EVENT TRIGGER|DEFAULT ACL|FOREIGN DATA WRAPPER|SERVER|USER MAPPING|FOREIGN TABLE) / && $NF != me } %s']]

-- Shell text that lists what is restored of a dump.
function M.list_cmd(site, r)
	return ("pg_restore -l %s | grep -v ' EXTENSION ' | %s"):format(q(r.dump), OTHERS:format(q(site.db.user), "!other"))
end

-- What is left out of it, in words; nil: nothing.
function M.left_out(s, site, r)
	local list = {}
	for _, line in ipairs(lines(mastodon.read(s, site.first, ("pg_restore -l %s | %s"):format(q(r.dump), OTHERS:format(q(site.db.user), "other { print k }"))).out)) do
		if not line:find("^COMMENT ") then list[#list + 1] = line end
	end
	return #list > 0 and table.concat(list, "; ") or nil
end

-- The dump beside the database. A half-made one of an earlier try goes first.
function M.restore(s, site, r, name)
	if M.exists(s, site, name) then alter(s, site, "DROP DATABASE " .. ident(name)) end
	create(s, site, name)
	carry(s, site, name)
	extend(s, site, r, name)
	local left = M.left_out(s, site, r)
	if left then
		s:warn(("Not in the restored database, because only an administrator of PostgreSQL may make it: %s. The damaged database, which is kept, still has it: who made it there can "
			.. "make it again in %s (what, its owner last)."):format(left, site.db.name))
	end
	local cmd = ("umask 077; l=$(mktemp) && %s >\"$l\" && %s --no-owner --exit-on-error -L \"$l\" %s; e=$?; rm -f \"$l\"; exit $e")
		:format(M.list_cmd(site, r), psql(site, name, "pg_restore"), q(r.dump))
	local answer = mastodon.job(s, site.first, "restore", cmd, { check = false })
	if not answer.ok then
		fail(("The dump was not restored; nothing was swapped, and the database is as it was, and open:\n%s"):format(trim(answer.err):sub(1, 600)))
	end
	local schema = M.sql(s, site, name, "SELECT max(version::bigint) FROM schema_migrations")[1]
	check(schema == r.schema, ("the restored database ends with the migration %s, and the record says %s"):format(tostring(schema), r.schema))
end

-- The restored one takes the name; the damaged one keeps existing under the other.
function M.swap(s, site, fresh, kept)
	alter(s, site, ("BEGIN; ALTER DATABASE %s RENAME TO %s; ALTER DATABASE %s RENAME TO %s; COMMIT"):format(ident(site.db.name), ident(kept), ident(fresh),
		ident(site.db.name)))
end

return M
