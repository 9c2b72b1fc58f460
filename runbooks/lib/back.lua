-- back.lua - what an upgrade wrote down for the way back, and a dump put in the place of a database. SPDX-License-Identifier: GPL-3.0-or-later
--
-- The record lies beside the dump, so that the way back is known also where the journal is not.
local mastodon = require "mastodon"
local settings = require "settings"
local M = {}

-- Written by the upgrade, once its dump is proven. Gives the file's name.
function M.write(s, site, file, target)
	local record = file:gsub("%.dump$", "") .. ".record"
	local at = mastodon.sql(s, site, "SELECT extract(epoch FROM now())::bigint")[1]
	local cmd = ("printf '%%s\\n' from=%s target=%s commit=\"$(git rev-parse HEAD)\" dump=%s schema=%d at=%s >%s"):format(q(site.from), q(target), q(file),
		site.schema, q(at), q(record))
	mastodon.run(s, site.first, cmd)
	return record
end

-- The newest record of the folder, or the one that is named: { from, target, commit, dump, schema, at, file }.
function M.read(s, site)
	local file = s.params.record
	if not file then
		file = trim(mastodon.read(s, site.first, ("ls -t %s/before-*.record 2>/dev/null | head -n 1"):format(q(s.params.backup_dir))).out)
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

-- Migrations of after the restart that the newer release brought and that have run: with one of them only the dump leads back.
function M.second_part(s, site, r)
	local script = ([[to=$(git rev-parse -q --verify %s || echo HEAD)
git diff --name-only --diff-filter=A %s "$to" -- db/post_migrate | sed -n 's#^db/post_migrate/\([0-9]*\)_.*#\1#p']]):format(q("v" .. r.target .. "^{commit}"), q(r.commit))
	local versions = lines(mastodon.read(s, site.first, script).out)
	if #versions == 0 then return {} end
	return mastodon.sql(s, site, ("SELECT version FROM schema_migrations WHERE version IN ('%s') ORDER BY 1"):format(table.concat(versions, "', '")))
end

-- What members and others wrote since the dump, by kind: it is not in the dump.
function M.since(s, site, r)
	local rows = mastodon.sql(s, site, ([[SELECT (SELECT count(*) FROM statuses WHERE created_at > to_timestamp(%d) AT TIME ZONE 'UTC' AND local),
(SELECT count(*) FROM statuses WHERE created_at > to_timestamp(%d) AT TIME ZONE 'UTC' AND NOT coalesce(local, false)),
(SELECT count(*) FROM users WHERE created_at > to_timestamp(%d) AT TIME ZONE 'UTC'),
(SELECT count(*) FROM follows WHERE created_at > to_timestamp(%d) AT TIME ZONE 'UTC')]]):format(r.at, r.at, r.at, r.at))
	local own, others, users, follows = (rows[1] or ""):match("^(%d+)|(%d+)|(%d+)|(%d+)$")
	check(own, "what was written since the dump could not be counted: " .. tostring(rows[1]))
	return { own = tonumber(own), words = ("%s posts of members, %s posts from elsewhere, %s new members, %s new follows"):format(own, others, users, follows) }
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

-- An empty database of the same encoding and locale.
local function create(s, site, name)
	local row = M.sql(s, site, "postgres", ("SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s"):format(text(site.db.name)))[1]
	local encoding, collate, ctype = (row or ""):match("^([^|]*)|([^|]*)|([^|]*)$")
	check(encoding, "the database's encoding is not known")
	alter(s, site, ("CREATE DATABASE %s TEMPLATE template0 ENCODING %s LC_COLLATE %s LC_CTYPE %s"):format(ident(name), text(encoding), text(collate), text(ctype)))
end

-- ALTER DATABASE … SET of the old one, for the new one too.
local function carry(s, site, name)
	for _, one in ipairs(M.sql(s, site, "postgres", ("SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = "
		.. "(SELECT oid FROM pg_database WHERE datname = %s)"):format(text(site.db.name)))) do
		local key, value = one:match("^([%w_.]+)=(.*)$")
		if key then alter(s, site, ("ALTER DATABASE %s SET %s TO %s"):format(ident(name), key, text(value))) end
	end
end

function M.exists(s, site, name)
	return #M.sql(s, site, "postgres", "SELECT 1 FROM pg_database WHERE datname = " .. text(name)) > 0
end

-- Nobody gets into the damaged database any more, and who is in is put out: also a process that nobody knows of.
function M.fence(s, site)
	alter(s, site, ("ALTER DATABASE %s WITH ALLOW_CONNECTIONS false"):format(ident(site.db.name)))
	alter(s, site, ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user AND pid <> pg_backend_pid()"):format(text(site.db.name)))
end

function M.unfence(s, site) alter(s, site, ("ALTER DATABASE %s WITH ALLOW_CONNECTIONS true"):format(ident(site.db.name))) end

-- The dump beside the database. A half-made one of an earlier try goes first. Extensions need an administrator, and come with the template or stay.
function M.restore(s, site, r, name)
	if M.exists(s, site, name) then alter(s, site, "DROP DATABASE " .. ident(name)) end
	create(s, site, name)
	carry(s, site, name)
	local cmd = ("umask 077; l=$(mktemp) && pg_restore -l %s | grep -v ' EXTENSION ' >\"$l\" && %s --no-owner --exit-on-error -L \"$l\" %s; e=$?; rm -f \"$l\"; exit $e")
		:format(q(r.dump), psql(site, name, "pg_restore"), q(r.dump))
	local answer = mastodon.job(s, site.first, "restore", cmd, { check = false })
	if not answer.ok then
		fail(("The dump was not restored; nothing was swapped, and the database is as it was:\n%s"):format(trim(answer.err):sub(1, 600)))
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
