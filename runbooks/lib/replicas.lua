-- replicas.lua - do the database's replicas follow? What is migrated must get there too. SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local preflight = require "preflight"
local versions = require "versions"
local M = {}

-- What a replica says of itself: in recovery, receiving, how far it has come, and of which server it is a copy.
local STATE = "SELECT pg_is_in_recovery(), EXISTS (SELECT FROM pg_stat_wal_receiver), coalesce(pg_last_wal_replay_lsn()::text, ''), "
	.. "(SELECT system_identifier FROM pg_control_system())"

-- Replication slots that nobody reads: { name, kb that PostgreSQL keeps for it, lost }.
local function idle_slots(s, site)
	local status, list = versions.compare(site.pg, "13") >= 0 and "coalesce(wal_status, '')" or "''", {}
	for _, row in ipairs(mastodon.sql(s, site, ("SELECT slot_name, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint / 1024, %s "
		.. "FROM pg_replication_slots WHERE NOT active ORDER BY 1"):format(status))) do
		local name, kb, state = row:match("^(.*)|(%-?%d+)|(%a*)$")
		if name then list[#list + 1] = { name = name, kb = math.max(0, tonumber(kb)), lost = state == "lost" } end
	end
	return list
end

-- Bytes behind as a note, or what is wrong with one replica, in words.
local function look_at(s, site, host)
	local server = site.db and site.db.server or {}
	local function ask(port) return ssh.read(host, ("psql -XAtq %s-d postgres -c %s"):format(port, q(STATE)), { as = "postgres", cwd = "/", check = false, timeout = "30s" }) end
	-- It listens where the primary does, as a rule; an old cluster may be left on the usual port.
	local ok, answer = pcall(function()
		local own = server.port and server.port ~= 5432 and ask(("-p %d "):format(server.port))
		return own and own.ok and own or ask ""
	end)
	if not ok then
		if type(answer) == "table" and (answer.kind == "canceled" or answer.kind == "foreseen") then error(answer, 0) end
		return nil, ("%s, a replica, could not be looked at: %s"):format(host, type(answer) == "table" and answer.text or tostring(answer))
	end
	if not answer.ok then return nil, ("PostgreSQL on %s, a replica, does not answer: %s"):format(host, cause(answer)) end
	local recovers, receives, at, system = trim(answer.out):match("^(%a)|(%a)|([^|]*)|?(%d*)$")
	if (system or "") ~= "" and (server.system or "") ~= "" and system ~= server.system then
		return nil, ("%s has the role replica in the fleet file, and its PostgreSQL is no copy of this database's server (it is of %s, and this one is %s)"):format(host, system, server.system)
	end
	if recovers == "f" then return nil, ("%s has the role replica in the fleet file, and is none: its PostgreSQL follows nobody and takes writes itself"):format(host) end
	if receives ~= "t" then return nil, ("%s, a replica, gets nothing from the primary now"):format(host) end
	local behind = at:find("^%x+/%x+$") and mastodon.sql(s, site, ("SELECT greatest(0, pg_wal_lsn_diff(pg_current_wal_lsn(), %s))::bigint / 1024"):format(q(at)))[1]
	return ("%s, a replica, follows%s."):format(host, behind and (", %s behind"):format(preflight.size(tonumber(behind))) or "")
end

-- Looks at the hosts of the role replica and at the primary's slots: texts to note, and warnings.
function M.look(s, site)
	local notes, warnings, hosts = {}, {}, s.fleet.roles and s.fleet.roles.replica or {}
	local said = each(hosts, function(host)
		local note, wrong = look_at(s, site, host)
		return { note = note, wrong = wrong }
	end, { at_once = 10, stop_after = 100 })
	for _, host in ipairs(hosts) do
		if said[host].note then
			notes[#notes + 1] = said[host].note
		else
			warnings[#warnings + 1] = said[host].wrong .. ". What is migrated gets there when it follows again: until then it is no way out, and shows the old data"
		end
	end
	for _, slot in ipairs(idle_slots(s, site)) do
		warnings[#warnings + 1] = slot.lost
			and ("PostgreSQL has given up its replication slot %s (it kept too much for it): the replica that used it must be built anew"):format(slot.name)
			or ("Nobody reads the replication slot %s: PostgreSQL keeps everything for it (%s now), and a migration writes much. Watch the room for pg_wal; if that replica "
				.. "is gone for good: SELECT pg_drop_replication_slot(%s)"):format(slot.name, preflight.size(slot.kb), q(slot.name))
	end
	return notes, warnings
end

return M
