-- proof.lua - is the database that is looked at, dumped and migrated the one that the running web uses? And the Redis, Sidekiq's?
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Settings say where to look; whoever believes them alone may migrate an old cluster that still listens. So: the sockets that the web's
-- own processes hold must lead to backends of that database, or to the address at which the settings' own connection gets to the same
-- server (a pooler); and Rails, asked on the host, must name the same one. A server is known by its identifier and when it was started.
local counted = require "counted"
local mastodon = require "mastodon"
local services = require "services"
local settings = require "settings"
local sidekiq = require "sidekiq"
local M = {}

-- ---- one server, asked ----

local ROW = "SELECT %s, (SELECT oid FROM pg_database WHERE datname = current_database()), current_database(), "
	.. "extract(epoch FROM pg_postmaster_start_time())::bigint, to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), "
	.. "current_setting('port')"
local SYSTEM = "(SELECT system_identifier FROM pg_control_system())"
local MORE = ", pg_is_in_recovery(), coalesce(host(inet_server_addr()), ''), coalesce(current_setting('bellbook.probe', true), '')"

local function row_of(text)
	for _, line in ipairs(lines(text)) do
		local system, oid, name, started, since, port, rest = line:match("^(%d*)|(%d+)|([^|]+)|(%d+)|([^|]+)|(%d+)(.*)$")
		if system then return { system = system, oid = oid, name = name, started = started, since = since, port = tonumber(port) }, rest end
	end
end

local function ask_once(s, site, place, options, system)
	local h = site.hosts[site.first]
	local cmd = ("PGCONNECT_TIMEOUT=10 %s%s -c %s"):format(options, settings.pg(h, site.db, "psql -XAtq -v ON_ERROR_STOP=1", place.host, place.port),
		q(ROW:format(system) .. MORE))
	local answer = mastodon.read(s, site.first, cmd, { check = false })
	local server, rest = row_of(answer.out)
	if not server then return nil, trim(answer.err) ~= "" and trim(answer.err) or "no answer" end
	local standby, address, probe = rest:match("^|([^|]*)|([^|]*)|([^|]*)$")
	server.standby, server.address, server.host = standby == "t", address ~= "" and address or nil, place.host
	-- A start-up option reaches the backend that was made for us alone: a pooler refuses it or leaves it out, whatever its port is.
	server.itself, server.at = probe == "yes", place.port
	return server
end

-- What answers at that place: { system, oid, name, started, since (the same for people), port (its own word), itself (not a pooler), standby … }, or nil and why.
local function ask(s, site, place)
	local why
	for _, system in ipairs { SYSTEM, "''" } do
		for _, options in ipairs { "PGOPTIONS='-c bellbook.probe=yes' ", "" } do
			local server, said = ask_once(s, site, place, options, system)
			if server then return server end
			why = said
		end
		if not why:find("pg_control_system", 1, true) then break end
	end
	return nil, why
end

local function is_same(a, b) return a.system == b.system and a.oid == b.oid and a.name == b.name and a.started == b.started end

local function place_words(site, place) return settings.db_words(site.db, place.host, place.port or place.at) end

local function server_words(server)
	return ("%s of the server %s, which listens on %d and runs since %s UTC"):format(server.name, server.system ~= "" and server.system or "(its identifier is not shown)",
		server.port, server.since)
end

-- ---- past a pooler ----

-- What a pooler calls itself in its console, for words.
local function pooler_name(s, site, place)
	local db = { name = "pgbouncer", user = site.db.user, password = site.db.password, sslmode = site.db.sslmode, host = place.host, port = place.port }
	local answer = mastodon.read(s, site.first, "PGCONNECT_TIMEOUT=10 " .. settings.pg(site.hosts[site.first], db, "psql -XAtq") .. " -c 'SHOW VERSION'",
		{ check = false })
	local said = answer.out .. answer.err
	-- Who may not look into the console is told so; PostgreSQL would say that there is no such database.
	return said:match("PgBouncer [%d.]+") or said:find("not allowed", 1, true) and "PgBouncer" or "a pooler (PgBouncer or the like)"
end

-- Where PostgreSQL may listen itself, after its own word.
local function candidates(s, site, server)
	local list, seen = {}, {}
	local function add(host, port)
		local key = host .. " " .. port
		if not seen[key] and not (host == site.db.host and port == site.db.port) then
			seen[key] = true
			list[#list + 1] = { host = host, port = port }
		end
	end
	if s.params.db_direct_host then add(s.params.db_direct_host, server.port) end
	add(site.db.host, server.port)
	if server.address then add(server.address, server.port) end
	for _, host in ipairs(s.fleet.roles and s.fleet.roles.db or {}) do add(host, server.port) end
	add("", server.port)
	return list
end

local function past_pooler(s, site, server)
	local tried = {}
	for _, place in ipairs(candidates(s, site, server)) do
		local found, why = ask(s, site, place)
		if found and found.itself and is_same(found, server) then
			if not site.told_pooler then s:note(("The settings lead to %s; behind it PostgreSQL listens itself: %s. Dump and migrations go there (db_direct_port=%d).")
				:format(pooler_name(s, site, site.db), place_words(site, place), place.port)) end
			site.told_pooler = true
			return place
		end
		tried[#tried + 1] = ("%s: %s"):format(place_words(site, place), found and (found.itself and "another database" or "a pooler, too") or why:gsub("\n", " "))
	end
	fail(("port %d of %s is %s. Migrations must go past it, to PostgreSQL itself, which says that it listens on port %d; it was not reached there:\n- %s\n"
		.. "Start again with db_direct_port=%d, and db_direct_host when it is on another machine."):format(site.db.port, site.db.host,
		pooler_name(s, site, site.db), server.port, table.concat(tried, "\n- "), server.port))
end

-- The place that a person named.
local function named_place(s, site, server)
	local place = { host = s.params.db_direct_host or site.db.host, port = s.params.db_direct_port or site.db.port }
	local found, why = ask(s, site, place)
	check(found, ("%s does not answer as the settings ask: %s\n%s"):format(place_words(site, place), why or "",
		("The database of the settings listens on port %d, after its own word."):format(server.port)))
	if not found.itself then
		fail(("port %d of %s is PgBouncer's, or another pooler's: PostgreSQL itself listens on %d. Start again with db_direct_port=%d")
			:format(place.port, place.host == "" and "the socket" or place.host, found.port, found.port))
	end
	check(is_same(found, server), ("the place that was named is another database than the one of the settings:\n- %s is %s\n- the settings lead to %s, "
		.. "which is %s\nNothing was begun. Start again with db_direct_port=%d, or mend DB_HOST and DB_PORT"):format(place_words(site, place), server_words(found),
		settings.db_words(site.db), server_words(server), server.port))
	return place
end

-- A way back that was cut off in the middle leaves the database closed, with a half-restored one beside it. The catalogue tells, in any language.
local function closed_words(s, site)
	local db = {}
	for k, v in pairs(site.db) do db[k] = v end
	db.name = "postgres"
	local function psql(program) return settings.pg(site.hosts[site.first], db, program) end
	local open = mastodon.read(s, site.first, ("PGCONNECT_TIMEOUT=10 %s -c %s"):format(psql("psql -XAtq -v ON_ERROR_STOP=1"),
		q(("SELECT datallowconn FROM pg_database WHERE datname = '%s'"):format(site.db.name:gsub("'", "''")))), { check = false })
	if trim(open.out) ~= "f" then return "" end
	return ("\nNobody may connect to it: somebody said so (ALLOW_CONNECTIONS false), or a walk of upgrade-back was cut off while it restored the dump. When that walk can "
		.. "still be resumed, resume it. Else open it, as %s on %s in %s: %s -c %s"):format(mastodon.user(s), site.first, mastodon.live(s), psql("psql"),
		q(("ALTER DATABASE \"%s\" WITH ALLOW_CONNECTIONS true"):format(site.db.name:gsub('"', '""'))))
end

-- Finds the way to PostgreSQL itself: gives site.db.direct, site.db.direct_host and site.db.server. All further looks take it.
function M.find(s, site)
	local db = site.db
	local server, why = ask(s, site, { host = db.host, port = db.port })
	check(server, ("the database of the settings of %s does not answer (%s, as %s): %s\nThe settings were read from:%s%s")
		:format(site.first, settings.db_words(db), db.user, why or "", site.hosts[site.first].env_files or "", server and "" or closed_words(s, site)))
	check(not server.standby, ("%s is a standby: it takes no changes. DB_HOST and DB_PORT must name the primary"):format(settings.db_words(db)))
	local place = { host = db.host, port = db.port }
	if s.params.db_direct_port or s.params.db_direct_host then
		place = named_place(s, site, server)
	elseif not server.itself then
		place = past_pooler(s, site, server)
	end
	db.pooled = not server.itself
	check(not db.url or (place.host == db.host and place.port == db.port), "DATABASE_URL leads to a pooler, and a migration must go past it. Write DB_HOST, "
		.. "DB_PORT, DB_NAME, DB_USER and DB_PASS into .env.production instead: those can be given another port for one command")
	db.direct, db.direct_host, db.server = place.port, place.host, server
end

-- ---- the web's own sockets ----

-- Run as root: pids of the units' processes, and where their sockets lead. The far end of a Unix socket is told with its process.
local SOCKETS = [==[
units=%s
pids=
for unit in $units; do
	main=$(systemctl show -p MainPID --value "$unit"); group=$(systemctl show -p ControlGroup --value "$unit")
	[ "${main:-0}" -gt 1 ] || continue
	pids="$pids $main"
	[ -z "$group" ] || pids="$pids $(cat "/sys/fs/cgroup$group/cgroup.procs" "/sys/fs/cgroup/systemd$group/cgroup.procs" 2>/dev/null | tr '\n' ' ')"
done
[ -n "$pids" ] || exit 0
pids=$(ps -eo pid=,ppid= | awk -v given="$pids" 'BEGIN { n = split(given, g, " "); for (i = 1; i <= n; i++) ours[g[i]] = 1 }
	{ parent[$1] = $2 }
	END { do { more = 0; for (p in parent) if (!(p in ours) && parent[p] in ours) { ours[p] = 1; more = 1 } } while (more); for (p in ours) print p }')
echo "pids $(echo $pids)"
command -v ss >/dev/null || { echo "no ss"; exit 0; }
{ ss -Htnp state established; echo --; ss -Hxp; } | awk -v pids="$(echo $pids)" '
	BEGIN { n = split(pids, list, " "); for (i = 1; i <= n; i++) ours[list[i]] = 1 }
	$1 == "--" { unix = 1; next }
	{ who = ""; mine = 0; rest = $0
	  while (match(rest, /pid=[0-9]+/)) { p = substr(rest, RSTART + 4, RLENGTH - 4); who = who "," p; if (p in ours) mine = 1; rest = substr(rest, RSTART + RLENGTH) } }
	!unix { if (mine) print "tcp", $3, $4; next }
	{ pid[$6] = who; path[$6] = $5; if (mine) far[$8] = 1 }
	END { for (i in far) print "unix", (i in path ? path[i] : "*"), (i in pid ? pid[i] : "") }'
true]==]

-- An address without brackets, zone and the prefix of an IPv4 one in IPv6.
local function split_address(text)
	local host, port = text:match("^(.*):(%d+)$")
	if not host then return "", 0 end
	host = host:gsub("^%[", ""):gsub("%]$", ""):gsub("%%.*$", ""):gsub("^::ffff:", "")
	return host, tonumber(port)
end

-- Sockets of a host's web: { pids, tcp = { {host, port, far, far_port} … }, unix = { {path, pids} … } }; nil when no web runs there.
local function web_sockets(s, site, host)
	local units = {}
	for _, name in ipairs(mastodon.units(site, host, "web")) do units[#units + 1] = name end
	if #units == 0 then return nil end
	-- A pool opens lazily: this page is asked of the database each time.
	for _ = 1, 2 do mastodon.page(s, host, "/.well-known/webfinger?resource=acct:nobody.of.bellbook@" .. mastodon.domain(s)) end
	local got = { tcp = {}, unix = {} }
	for _, line in ipairs(lines(mastodon.root_read(host, SOCKETS:format(q(table.concat(units, " ")))).out)) do
		local kind, a, b = line:match("^(%S+) (%S+) ?(.*)$")
		if kind == "pids" then got.pids = a .. (b ~= "" and " " .. b or "") end
		if kind == "no" then got.blind = true end
		if kind == "tcp" then
			local one = {}
			one.host, one.port = split_address(a)
			one.far, one.far_port = split_address(b)
			-- Members' requests come in there, and Redis is no database: one that was just started has asked nobody else.
			local other = one.port == (site.hosts[host].web_port or 3000) or (one.far_port == site.redis.port and one.far_port ~= site.db.port)
			if not other then got.tcp[#got.tcp + 1] = one end
		elseif kind == "unix" then
			-- The journal's end is no connection to anything that it asks.
			if not a:find("^/run/systemd/") then got.unix[#got.unix + 1] = { path = a, pids = b } end
		end
	end
	return got.pids and got or nil
end

-- Addresses that a name means on that host.
local function addresses_of(s, host, name)
	local map = { [name] = true }
	if name == "" or name:sub(1, 1) == "/" then return map end
	for _, line in ipairs(lines(mastodon.read(s, host, "getent ahosts " .. q(name) .. " || true").out)) do
		local address = line:match("^(%S+)")
		if address then map[(address:gsub("^::ffff:", ""))] = true end
	end
	return map
end

-- Backends of the server that the looks go to, by "address port" and by pid: the name of the database that each is in.
local function backends(s, site)
	local tcp, pids = {}, {}
	for _, row in ipairs(mastodon.sql(s, site, "SELECT pid, coalesce(host(client_addr), ''), coalesce(client_port, 0), datname FROM pg_stat_activity "
		.. "WHERE datname IS NOT NULL")) do
		local pid, address, port, name = row:match("^(%d+)|([^|]*)|(%-?%d+)|(.*)$")
		if address and address ~= "" then tcp[address:gsub("^::ffff:", "") .. " " .. port] = name elseif pid then pids[pid] = name end
	end
	return tcp, pids
end

-- How many of a web's sockets lead to backends of the database, and how many to the settings' own address, where it is not seen which database of
-- that server they are in; and the name of another one that one of them is in.
local function count(site, sockets, tcp, pids, named)
	local direct, address, other = 0, 0, nil
	local function add(name, is_there)
		if name == site.db.server.name then
			direct = direct + 1
		elseif name then
			other = name
		elseif is_there then
			address = address + 1
		end
	end
	for _, one in ipairs(sockets.tcp) do add(tcp[one.host .. " " .. one.port], one.far_port == site.db.port and named[one.far]) end
	for _, one in ipairs(sockets.unix) do
		local name
		for pid in one.pids:gmatch("%d+") do name = name or pids[pid] end
		add(name, (site.db.host == "" or site.db.host:sub(1, 1) == "/") and one.path:find(".s.PGSQL." .. site.db.port .. "$"))
	end
	return direct, address, other
end

local function list_of(sockets)
	local list, seen = {}, {}
	local function add(text)
		if not seen[text] then
			seen[text] = true
			list[#list + 1] = text
		end
	end
	for _, one in ipairs(sockets.tcp) do add(("%s port %d"):format(one.far, one.far_port)) end
	for _, one in ipairs(sockets.unix) do if one.path ~= "*" then add(one.path) end end
	table.sort(list)
	return #list > 0 and table.concat(list, ", ") or "nobody"
end

-- ---- Rails ----

-- Asked over the host: its answer has nothing secret. nil and why when it cannot be asked.
local function rails(s, site, system)
	local code = ([[puts "bellbook " + ActiveRecord::Base.connection.select_rows(%q).first.join("|")]]):format(ROW:format(system))
	local answer = mastodon.read(s, site.first, "bin/rails runner " .. q(code), { check = false, timeout = "3m" })
	local server = row_of((answer.out:match("bellbook ([^\n]*)") or ""))
	if server then return server end
	for _, line in ipairs(lines(answer.err)) do
		if trim(line) ~= "" then return nil, trim(line):sub(1, 200) end
	end
	return nil, ("it ended with status %d"):format(answer.code or -1)
end

-- ---- the whole ----

local function not_proven(site, known)
	fail(("It is not proven that the database looked at is the one that the running web uses, so nothing is begun. What is known:\n- %s\n"
		.. "Which database the web uses is in the settings that it was started with: mend DB_HOST, DB_PORT and DB_NAME of %s (or its unit), restart the web, "
		.. "and try again; past a pooler give db_direct_port and db_direct_host.")
		:format(table.concat(known, "\n- "), site.first))
end

-- Of a web that does not answer: what it says; nil when it answers. Who never gets as far as asking a database shows none.
local function silent(s, site, host)
	if mastodon.is_healthy(s, host) then return nil end
	local names, list = mastodon.units(site, host, "web"), {}
	local state = services.state(host, names)
	for _, name in ipairs(names) do
		local one = state[name] or {}
		list[#list + 1] = (one.active == "failed" or (one.restarts or 0) >= 3) and services.failure(host, name, one, nil)
			or ("%s: %s is %s and does not answer. Its log says:\n%s"):format(host, name, one.active or "gone", services.log(host, { name }))
	end
	return table.concat(list, "\n")
end

-- Demands that the database found is the running web's; says what proves it. Once a walk; M.still looks again.
function M.database(s)
	local site, known, proven, running = s.site, {}, {}, false
	local direct = { host = site.db.direct_host, port = site.db.direct }
	known[1] = ("the settings lead to %s: %s"):format(place_words(site, direct), server_words(site.db.server))
	local tcp, pids, unseen
	for _, host in ipairs(mastodon.hosts_with(s, site, "web")) do
		local sockets = web_sockets(s, site, host)
		if sockets then
			running = true
			if not tcp then tcp, pids = backends(s, site) end
			local to_us, to_address, other = count(site, sockets, tcp, pids, addresses_of(s, host, site.db.host))
			local said = to_us + to_address == 0 and silent(s, site, host)
			if to_us > 0 then
				proven[#proven + 1] = ("%s of the web on %s %s"):format(counted(to_us, "socket"), host, to_us == 1 and "is its connection" or "are its connections")
			elseif other then
				known[#known + 1] = ("on %s the web (pids %s) is connected to the database %s of that server"):format(host, sockets.pids, other)
				not_proven(site, known)
			elseif to_address > 0 then
				proven[#proven + 1] = ("%s of the web on %s %s to %s, which gives the same server"):format(counted(to_address, "socket"), host,
					to_address == 1 and "leads" or "lead", settings.db_words(site.db))
			elseif said then
				unseen = ("on %s the web does not answer, so that its connections do not tell. %s"):format(host, said)
				known[#known + 1] = unseen
			elseif #sockets.tcp + #sockets.unix > 0 then
				known[#known + 1] = ("on %s the web (pids %s) holds connections to %s: none of them leads there"):format(host, sockets.pids, list_of(sockets))
				not_proven(site, known)
			else
				unseen = ("on %s no connection of the web (pids %s) to any database was seen%s"):format(host, sockets.pids,
					sockets.blind and ": there is no ss (package iproute2)" or "")
				known[#known + 1] = unseen
			end
		end
	end
	local system = site.db.server.system ~= "" and SYSTEM or "''"
	local said, why = rails(s, site, system)
	if said and not is_same(said, site.db.server) then
		known[#known + 1] = "Rails on " .. site.first .. " is connected to " .. server_words(said)
		not_proven(site, known)
	end
	if said then
		proven[#proven + 1] = "Rails names the same"
	else
		known[#known + 1] = ("Rails on %s could not be asked: %s"):format(site.first, why)
		s:warn(("Rails on %s could not be asked which database it uses: %s"):format(site.first, why))
	end
	if running and #proven == 0 then not_proven(site, known) end
	if unseen then s:warn(("Only Rails' word tells which database the web uses: %s"):format(unseen)) end
	if not running then s:warn(("No web process runs, so that only %s which database is Mastodon's."):format(said and "Rails and the settings say" or "the settings say")) end
	s:note(("The database is %s: %s%s."):format(place_words(site, direct), server_words(site.db.server),
		#proven > 0 and "; " .. table.concat(proven, "; ") or ""))
end

-- Before a dump or a migration: is it still that database? Gives the server, with when it was started.
function M.still(s, site)
	local found, why = ask(s, site, { host = site.db.direct_host, port = site.db.direct })
	check(found, ("%s does not answer: %s"):format(place_words(site, { host = site.db.direct_host, port = site.db.direct }), why or ""))
	check(found.itself, ("at %s a pooler answers now"):format(place_words(site, { host = site.db.direct_host, port = site.db.direct })))
	local was = site.db.server
	-- The server may have been restarted since.
	check(found.system == was.system and found.oid == was.oid and found.name == was.name, ("at %s is another database than at the first look: %s, and was %s")
		:format(place_words(site, { host = site.db.direct_host, port = site.db.direct }), server_words(found), server_words(was)))
	return found
end

-- ---- Redis ----

-- Units that are active while Redis knows no process: then it is not Sidekiq's Redis, and what it says of queues and jobs is worth nothing.
function M.redis(s)
	local active = {}
	for _, host in ipairs(mastodon.hosts_with(s, s.site, "sidekiq")) do
		for _, name in ipairs(mastodon.units(s.site, host, "sidekiq")) do
			if s.site.hosts[host].units[name].active == "active" then active[#active + 1] = name .. " on " .. host end
		end
	end
	if #active == 0 then return end
	for i = 1, 15 do
		if #sidekiq.look(s, s.site).processes > 0 then return end
		if i < 15 then sleep("1s", { what = "waiting for Sidekiq to show in Redis", look = i, of = 15, seen = "no process is known there" }) end
	end
	fail(("These are active: %s. But Redis at %s knows no Sidekiq process: it is not the one that Sidekiq uses, or Sidekiq does not get up "
		.. "(journalctl -u 'mastodon-sidekiq*' shows why), or Redis refuses what is written. Its answers about queues and jobs would be worth nothing, "
		.. "so nothing is begun. The settings were read from:%s"):format(table.concat(active, ", "), settings.redis_words(s.site.redis),
		s.site.hosts[s.site.first].env_files or ""))
end

return M
