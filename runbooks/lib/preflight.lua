-- preflight.lua - looks before an upgrade: the whole site, disk and memory, database, what the release changes.
-- SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local sorted = require "sorted"
local versions = require "versions"
local M = {}

local function gib(kb) return ("%.1f GiB"):format(kb / 1048576) end

-- PostgreSQL's and Redis's own facts.
local function add_servers(s, site)
	local row = mastodon.sql(s, site, "SELECT current_setting('server_version_num'), pg_database_size(current_database()), "
		.. "(SELECT datcollate FROM pg_database WHERE datname = current_database()), (SELECT max(version::bigint) FROM schema_migrations), "
		.. "(SELECT coalesce(max(pg_relation_size(indexrelid)), 0) FROM pg_index)")[1] or ""
	local number, size, collate, schema, index = row:match("^(%d+)|(%d+)|([^|]*)|(%d+)|(%d+)$")
	check(number, "PostgreSQL did not answer as expected: " .. row)
	number = tonumber(number)
	site.pg = ("%d.%d"):format(number // 10000, number >= 100000 and number % 10000 or number // 100 % 100)
	site.db_kb, site.collate, site.schema, site.index_kb = tonumber(size) // 1024, collate, tonumber(schema), tonumber(index) // 1024
	local info = mastodon.read(s, site.first, mastodon.redis(site, "INFO server")).out
	site.redis_version = check(info:match("redis_version:([%d.]+)"), "Redis did not answer: " .. trim(info):sub(1, 120))
end

-- The version to start from: what the web says, else (everything stopped) the code that lies there.
local function running(s, site)
	local version
	for _, host in ipairs(s:all "app") do
		version = version or site.hosts[host].web_port and mastodon.running_version(s, host)
	end
	if version then return version end
	s:warn("No web process answers, so the version on disk is taken as the one to start from.")
	return site.hosts[site.first].code
end

-- Gives s.site: everything later steps need to know. Asked again where a person may have mended something meanwhile.
function M.look(s)
	check(mastodon.domain(s), "the fleet file has no mastodon.domain")
	local site = { first = s:all("app")[1] }
	site.hosts = each(s:all "app", function(host) return mastodon.host_facts(s, host) end, { at_once = 10, stop_after = 100 })
	local h = site.hosts[site.first]
	check(h.tools == "", ("%s lacks the commands%s: install postgresql-client (of the server's version), redis-tools, curl")
		:format(site.first, h.tools or " psql"))
	check(h.env.LOCAL_DOMAIN, site.first .. ": .env.production was not found, or has no LOCAL_DOMAIN")
	check(h.env.LOCAL_DOMAIN == mastodon.domain(s), ("the fleet file says %s, but LOCAL_DOMAIN on %s is %s"):format(mastodon.domain(s), site.first,
		h.env.LOCAL_DOMAIN))
	site.db = mastodon.db_place(h.env, s.params.db_direct_host, s.params.db_direct_port)
	site.redis = mastodon.redis_place(h.env)
	site.stamp = s.site and s.site.stamp or trim(ssh.read(site.first, "date -u +%Y%m%dT%H%M%SZ").out)
	add_servers(s, site)
	s.site = site
	site.from = running(s, site)
	check(#mastodon.hosts_with(s, site, "web") > 0, "no app host has a unit mastodon-web")
	check(#mastodon.hosts_with(s, site, "sidekiq") > 0, "no app host has a unit mastodon-sidekiq")
end

-- Says what was found.
function M.tell(s)
	local site = s.site
	local h = site.hosts[site.first]
	for _, host in ipairs(s:all "app") do
		local one, units = site.hosts[host], {}
		for name, unit in sorted(one.units) do units[#units + 1] = name .. " " .. (unit.active or "?") end
		s:note(("%s: code %s (%s), Ruby %s, Node.js %s; %s"):format(host, one.code, one.tag, one.ruby or "?", one.node or "?", table.concat(units, ", ")))
		if one.code ~= h.code then s:warn(("The code on %s is %s, on %s %s."):format(host, one.code, site.first, h.code)) end
	end
	s:note(("Running: %s. PostgreSQL %s, %s; Redis %s; newest migration %d."):format(site.from, site.pg, gib(site.db_kb), site.redis_version, site.schema))
end

-- Tags of the releases behind a up to b, as the code's origin has them.
function M.tags_between(s, a, b)
	local answer = mastodon.read(s, s.site.first, "git ls-remote --tags origin 'v*' | sed -n 's#.*refs/tags/\\(v[0-9.]*\\)$#\\1#p' | sort -V", { check = false })
	local list, found = {}, false
	for _, tag in ipairs(lines(answer.out)) do
		local v = versions.parse(tag)
		if v and versions.compare(v.text, a.text) > 0 and versions.compare(v.text, b.text) <= 0 then list[#list + 1] = tag end
		found = found or tag == b.tag
	end
	if answer.out ~= "" then check(found, ("there is no release %s at the origin of %s's code; is it typed right?"):format(b.tag, s.site.first)) end
	if answer.out == "" then s:warn("The list of releases could not be had from git's origin: " .. trim(answer.err)) end
	return list
end

-- ---- room ----

local function free_kb(host, path)
	local cmd = [[d=%s; while [ ! -d "$d" ]; do d=$(dirname "$d"); done; df -Pk "$d" | awk 'NR == 2 { print $4 }']]
	local out = mastodon.root_read(host, cmd:format(q(path))).out
	return tonumber(trim(out)) or 0
end

-- Database hosts of the fleet file, when it names some.
local function db_hosts(s) return s.fleet.roles and s.fleet.roles.db or {} end

function M.room_problems(s, site)
	local problems = {}
	local free = free_kb(site.first, s.params.backup_dir)
	if free < site.db_kb then
		problems[1] = ("%s: %s are free for the backup in %s, and the database has %s"):format(site.first, gib(free), s.params.backup_dir, gib(site.db_kb))
	end
	for _, host in ipairs(db_hosts(s)) do
		local out = mastodon.root_read(host, "df -Pk /var/lib/postgresql | awk 'NR == 2 { print $4 }'", { check = false }).out
		free = tonumber(trim(out))
		if free and free < site.index_kb * 2 then
			problems[#problems + 1] = ("%s: %s are free for PostgreSQL; building an index like the largest one (%s) needs twice its size")
				:format(host, gib(free), gib(site.index_kb))
		end
	end
	return problems
end

function M.room_warnings(s, site)
	local list = {}
	for _, host in ipairs(s:all "app") do
		local h = site.hosts[host]
		if (tonumber(h.memory_kb) or 0) < 2 * 1048576 then
			list[#list + 1] = ("%s: only %s of memory and swap are free; building the assets may die without a word"):format(host, gib(tonumber(h.memory_kb) or 0))
		end
		if (tonumber(h.free_kb) or 0) < 2 * 1048576 then
			list[#list + 1] = ("%s: only %s are free where Mastodon lies; Ruby, gems and assets want about 2 GiB"):format(host, gib(tonumber(h.free_kb) or 0))
		end
	end
	return list
end

-- ---- database ----

-- Does the direct port lead to PostgreSQL itself? A PgBouncer's own port is not the one that PostgreSQL behind it names.
function M.pooler_problems(s, site)
	local out = mastodon.sql(s, site, "SELECT coalesce(inet_server_port(), 0)")[1]
	local port = tonumber(out) or 0
	if site.db.pooled then s:note("Mastodon talks to PostgreSQL through PgBouncer; migrations go past it, to port " .. site.db.direct .. ".") end
	if port ~= 0 and port ~= site.db.direct and site.db.pooled then
		return { ("port %d of %s is PgBouncer's: PostgreSQL itself listens on %d. Start again with db_direct_port=%d")
			:format(site.db.direct, site.db.host, port, port) }
	end
	return {}
end

local AMCHECK = [[SELECT c.relname, bt_index_check(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am a ON a.oid = c.relam JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.amname = 'btree' AND n.nspname = 'public' AND i.indisunique AND i.indisvalid AND i.indisready
AND EXISTS (SELECT 1 FROM unnest(i.indcollation::oid[]) x WHERE x NOT IN (0, 950, 951))]]

-- bt_index_check of the unique indexes over text. Must be before 4.7; before others it is done when the extension is there.
function M.index_check(s, site, to, from)
	local must = versions.enters(from, to, "4.7")
	if site.collate == "C" or site.collate == "POSIX" or from.series == to.series then return end
	local host = db_hosts(s)[1]
	local psql = ("psql -XAtq -v ON_ERROR_STOP=1 -d %s -c "):format(q(site.db.name))
	local how = ("sudo -u postgres psql -d %s -c 'CREATE EXTENSION amcheck' (on the primary; PostgreSQL's contrib package has it)"):format(site.db.name)
	if not host then
		check(not must, "before 4.7 the indexes must be checked, and the fleet file names no host with the role db. Name it")
		return s:note("The fleet file names no host with the role db: whether indexes are whole was not checked.")
	end
	local extension = ssh.read(host, psql .. q("SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"), { as = "postgres", cwd = "/" })
	if trim(extension.out) == "0" then
		check(not must, "4.7 fails on a server with damaged indexes, so they must be checked first. Run: " .. how .. ", then try again")
		return s:note("Whether indexes are whole was not checked, because amcheck is not installed. 4.7 will want it: " .. how)
	end
	local answer = ssh.read(host, psql .. q(AMCHECK), { as = "postgres", cwd = "/", check = false })
	check(answer.ok, "An index is damaged. See https://docs.joinmastodon.org/admin/troubleshooting/index-corruption/ before anything else:\n" .. trim(answer.err))
	s:note(("%d unique indexes over text are whole."):format(#lines(answer.out)))
end

-- An invalid index that an interrupted migration left would be in the next try's way.
function M.drop_invalid(s, site)
	for _, name in ipairs(mastodon.invalid_indexes(s, site)) do
		local answer = s:ask { type = "choice", text = ("The index %s is invalid. Drop it?"):format(name),
			details = "A CREATE INDEX CONCURRENTLY that was interrupted leaves such an index: it is never used, costs time at every write, and is in the way "
				.. "of the migration that makes it. If the migration that failed here was making it, drop it.",
			choices = { { value = "drop", label = "Drop it, then migrate" }, { value = "keep", label = "Leave it, and stop this step" } }, default = "drop" }
		check(answer == "drop", "the invalid index " .. name .. " is still there")
		local cmd = mastodon.pg(site, "psql -XAtq -v ON_ERROR_STOP=1") .. " -c " .. q("DROP INDEX CONCURRENTLY IF EXISTS " .. name)
		mastodon.run(s, site.first, cmd)
	end
end

-- Clients of the database that come from no host that is known: perhaps an old worker.
function M.unknown_clients(s, site)
	local known, list = {}, {}
	for _, h in pairs(site.hosts) do
		for address in (h.addresses or ""):gmatch("%S+") do known[address] = true end
	end
	for _, row in ipairs(mastodon.sql(s, site, "SELECT DISTINCT host(client_addr), coalesce(application_name, '') FROM pg_stat_activity "
		.. "WHERE datname = current_database() AND usename = current_user AND client_addr IS NOT NULL ORDER BY 1, 2")) do
		local address, name = row:match("^([^|]*)|(.*)$")
		if address and not known[address] and not address:find("^127%.") and address ~= "::1" then
			list[#list + 1] = ("Somebody on %s uses the database as Mastodon (%s): if that is an old process, stop it"):format(address, name)
		end
	end
	return list
end

-- Newer releases that the server itself has heard of.
function M.updates(s, site)
	if #mastodon.sql(s, site, "SELECT 1 FROM pg_tables WHERE tablename = 'software_updates'") == 0 then return {} end
	return mastodon.sql(s, site, "SELECT version || CASE WHEN urgent THEN ' (urgent)' ELSE '' END FROM software_updates ORDER BY version")
end

-- ---- services and code ----

-- Sidekiq units that systemd kills before Sidekiq would have given its jobs back.
function M.killed_early(s, site)
	local list = {}
	for _, host in ipairs(s:all "app") do
		for _, name in ipairs(mastodon.units(site, host, "sidekiq")) do
			local seconds = (site.hosts[host].units[name].stop_timeout or ""):match("^(%d+)s$")
			if seconds and tonumber(seconds) < 30 then
				list[#list + 1] = ("%s on %s (%s s)"):format(name, host, seconds)
			end
		end
	end
	return list
end

-- What differs between two releases. What cannot be told counts as changed.
function M.changed(s, site, a, b)
	local script = ([[changed() { name=$1; shift; if git diff --quiet %s %s -- "$@" 2>/dev/null; then echo "$name=no"; else echo "$name=yes"; fi; }
changed ruby .ruby-version
changed gems Gemfile.lock
changed streaming streaming yarn.lock package.json
git diff --name-only %s %s -- dist nginx .env.production.sample 2>/dev/null | sed 's/^/dist=/'
true]]):format(a.tag, b.tag, a.tag, b.tag)
	local result = { series = a.series ~= b.series, dist = "" }
	for _, line in ipairs(lines(mastodon.read(s, site.first, script).out)) do
		local name, value = line:match("^(%w+)=(.*)$")
		if name == "dist" then
			result.dist = result.dist == "" and value or result.dist .. ", " .. value
		elseif name then
			result[name] = value == "yes"
		end
	end
	return result
end

return M
