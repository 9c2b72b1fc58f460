-- preflight.lua - looks before an upgrade: the whole site, disk and memory, database, what the release changes.
-- SPDX-License-Identifier: GPL-3.0-or-later
local counted = require "counted"
local elsewhere = require "elsewhere"
local hosts = require "hosts"
local mastodon = require "mastodon"
local pages = require "pages"
local places = require "places"
local proof = require "proof"
local settings = require "settings"
local services = require "services"
local sidekiq = require "sidekiq"
local sorted = require "sorted"
local units = require "units"
local versions = require "versions"
local M = {}

-- A size as people say it: 0.0 GiB is none.
function M.size(kb)
	if kb < 1024 then return ("%d KiB"):format(kb) end
	if kb < 1048576 then return ("%.1f MiB"):format(kb / 1024) end
	return ("%.1f GiB"):format(kb / 1048576)
end
local gib = M.size

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
	local answer = mastodon.read(s, site.first, mastodon.redis(site, "INFO server"), { check = false })
	local info = answer.out .. answer.err
	site.redis_version = check(info:match("redis_version:([%d.]+)"), ("Redis at %s did not answer: %s"):format(settings.redis_words(site.redis),
		trim(info):sub(1, 120)))
end

local BOOTS = 12	-- looks, a second apart, in which a web boots, or fails to

-- A web that was just started answers soon, or dies: only then it is known which, and a host is waited for once. Gives what its units do, in words; nil
-- when it answers.
local function silence(s, site, host)
	local names, before, words = mastodon.units(site, host, "web"), nil, nil
	site.awaited = site.awaited or {}
	for i = 1, site.awaited[host] and 1 or BOOTS do
		if mastodon.is_healthy(s, host) then return nil end
		local now, dead = services.state(host, names), false
		words = {}
		for k, name in ipairs(names) do
			local one, was = now[name] or {}, before and before[name] or {}
			words[k] = ("%s is %s"):format(name, one.active or "gone")
			dead = dead or not units.is_up(one) or one.sub == "auto-restart" or (one.restarts or 0) >= 3 or (one.restarts or 0) > (was.restarts or one.restarts or 0)
		end
		words, before = table.concat(words, ", "), now
		if dead or site.awaited[host] then break end
		if i < BOOTS then sleep("1s", { what = ("waiting for the web on %s to answer, or to die"):format(host), look = i, of = BOOTS, seen = words }) end
	end
	site.awaited[host] = true
	return host .. ": " .. words
end

-- The version to start from: what the web says, else (everything stopped) the code that lies there. site.says: what each host's web says.
function M.running(s, site)
	local version, silent, dumb = nil, {}, {}
	site.says = {}
	for _, host in ipairs(s:all "app") do
		if #mastodon.units(site, host, "web") > 0 then
			silent[#silent + 1] = silence(s, site, host)
			local says = mastodon.running_version(s, host)
			site.says[host] = says
			version = version or says and says:match("^%S+")
			if not says and mastodon.is_healthy(s, host) then
				dumb[#dumb + 1] = ("%s: /api/v2/instance answers %s"):format(host, trim(mastodon.page(s, host, "/api/v2/instance", "-o /dev/null -w '%{http_code}'").out))
			end
		end
	end
	if version then return version end
	if not site.told_silent then
		s:warn(#dumb > 0 and ("The web answers, but does not say its version (%s), so the version on disk is taken as the one to start from. A web that was started anew "
			.. "with newer code, on a database that is not migrated yet, does so."):format(table.concat(dumb, "; "))
			or ("No web process answers (%s), so the version on disk is taken as the one to start from."):format(#silent > 0 and table.concat(silent, "; ") or "there is no unit of one"))
	end
	site.told_silent = true
	return site.hosts[site.first].code
end

-- Of several hosts' webs those that were started before the code of their host came there, and the others.
local function by_age(s, site)
	local old, new = {}, {}
	for _, host in ipairs(mastodon.hosts_with(s, site, "web")) do
		local since = pages.workers_since(host, mastodon.units(site, host, "web"))
		local list = since and (since + 1 < math.floor(mastodon.code_since(s, host)) - 1 and old or new)
		if list then list[#list + 1] = host end
	end
	return old, new
end

-- Webs that do not run the same: they say so, or one of them alone was started since the code came. (What they say comes from a cache that they share.)
local function tell_of_mixed(s, site)
	local list, differ = {}, false
	for _, host in ipairs(s:all "app") do
		local says = site.says[host]
		list[#list + 1] = says and ("%s says %s"):format(host, says)
		differ = differ or (says ~= nil and says ~= site.from)
	end
	local what = differ and table.concat(list, ", ")
	if not what and #list > 1 then
		local old, new = by_age(s, site)
		what = #old > 0 and #new > 0 and ("the one on %s was started before the code that lies there came, the one on %s after it; what version they say comes from a cache that they share")
			:format(table.concat(old, ", "), table.concat(new, ", "))
	end
	if not what then return end
	s:warn(("The webs do not run one version: %s. Taken as the one that runs is %s. An upgrade was perhaps left in the middle, or a web was not started anew since: what differs is "
		.. "brought to one release by this walk."):format(what, site.from))
end

-- Gives s.site: everything later steps need to know. Asked again where a person may have mended something meanwhile.
function M.look(s)
	check(mastodon.domain(s), "the fleet file has no mastodon.domain")
	local site = { first = s:all("app")[1] }
	site.hosts = hosts.ask_all(s, function(host) return mastodon.host_facts(s, host) end)
	M.tell_apart(s, site)
	M.demand_room(s, site)
	site.on, site.off = s.site and s.site.on or {}, s.site and s.site.off or {}
	services.apply_off(site)
	local h = site.hosts[site.first]
	check(h.tools == "", ("%s lacks the commands%s: install postgresql-client (of the server's version), redis-tools, curl")
		:format(site.first, h.tools or " psql"))
	places.find(s, site)
	-- What was found out about the code is kept until it is looked at again.
	local before = s.site or { hosts = {} }
	site.goal, site.old, site.again, site.unended, site.wanted = before.goal, before.old, before.again, before.unended, before.wanted
	for host, facts in pairs(site.hosts) do
		if before.hosts[host] then facts.git, facts.tree = before.hosts[host].git, before.hosts[host].tree end
	end
	site.stamp = s.site and s.site.stamp or trim(ssh.read(site.first, "date -u +%Y%m%dT%H%M%SZ").out)
	site.told_pooler, site.told_silent, site.awaited = s.site and s.site.told_pooler, s.site and s.site.told_silent, s.site and s.site.awaited
	s.site = site
	proof.find(s, site)
	add_servers(s, site)
	site.from = M.running(s, site)
	M.demand_units(s, site, "web", "a web process (puma)")
	M.demand_units(s, site, "sidekiq", "Sidekiq")
	M.demand_user(s, site)
	M.look_at_queues(s, site)
end

-- On a full disk even the looks go wrong (what is fetched to be read, a job's folder), and would be told as other faults.
function M.demand_room(s, site)
	local list = {}
	for _, host in ipairs(s:all "app") do
		for place in (site.hosts[host].full or ""):gmatch("[^;]+") do list[#list + 1] = ("%s: the disk is full: %s"):format(host, place) end
	end
	check(#list == 0, ("%s. What is looked at there could be told wrongly, so nothing more is looked at. See what fills it (as root: du -xh --max-depth=3 PLACE | sort -h | "
		.. "tail), make room, then try again"):format(table.concat(list, "; ")))
end

-- Sidekiq and the records name hosts by what they call themselves: two of one name could not be told apart.
function M.tell_apart(s, site)
	local seen = {}
	for _, host in ipairs(s:all "app") do
		local name, other = site.hosts[host].hostname, seen[site.hosts[host].hostname]
		local addresses = site.hosts[host].addresses or ""
		check(not other or addresses == "" or site.hosts[other].addresses ~= addresses, ("%s and %s are one host (%s, with the addresses %s): in the role app of the fleet file it stands "
			.. "twice, and everything would be done twice. Leave one name"):format(other or "", host, name, trim(addresses)))
		check(not seen[name], ("%s and %s both call themselves %s (uname -n): which Sidekiq runs where could not be told. Give one another name "
			.. "(hostnamectl set-hostname) and restart its Sidekiq first"):format(seen[name] or "", host, tostring(name)))
		seen[name] = host
	end
end

function M.demand_units(s, site, kind, words)
	if #mastodon.hosts_with(s, site, kind) > 0 then return end
	local found = {}
	for _, host in ipairs(s:all "app") do
		for name, unit in sorted(site.hosts[host].units) do
			if unit.kind == kind then found[#found + 1] = ("%s on %s is %s"):format(name, host, unit.load == "not-found" and "only remembered by systemd" or unit.enabled or "?") end
		end
		for _, p in ipairs(site.hosts[host].processes) do
			if p.kind == kind and p.ours then found[#found + 1] = ("pid %d on %s runs in no unit: %s"):format(p.pid, host, p.args) end
		end
	end
	for _, host in ipairs(s:all "app") do
		for name, unit in sorted(site.hosts[host].elsewhere or {}) do
			if unit.kind == kind then found[#found + 1] = ("%s on %s runs in %s (is that the one? Then say so in the fleet file: mastodon = { live = \"%s\" })"):format(name, host, unit.folder, unit.folder) end
		end
	end
	fail(("no unit that is active or enabled runs %s of %s on any app host. Found: %s. The fleet file can name units: mastodon = { units = { %s = { \"NAME\" } } }")
		:format(words, mastodon.live(s), #found > 0 and table.concat(found, "; ") or "nothing like it", kind))
end

-- Whatever this runbook makes belongs to Mastodon's user of the fleet file: it must be the one that the services run as.
function M.demand_user(s, site)
	local list, seen, user = {}, {}, mastodon.user(s)
	for _, host in ipairs(s:all "app") do
		for _, p in ipairs(site.hosts[host].processes) do
			local text = ("%s on %s runs as %s"):format(tostring(p.unit), host, p.user)
			if p.ours and p.unit and p.kind ~= "streaming" and p.user ~= user and not seen[text] then list[#list + 1], seen[text] = text, true end
		end
	end
	check(#list == 0, ("%s, and Mastodon's user is %s after the fleet file: what this walk makes would belong to the wrong one. Say in the fleet file who it is (mastodon = { user = "
		.. "\"NAME\" }), or mend User= of the unit"):format(table.concat(list, ", "), user))
end

-- Which queues are served now, and whether every process that serves some has a list of its own, so that a new release adds none.
function M.look_at_queues(s, site)
	local state = sidekiq.look(s, site)
	local own = 0
	for _, p in ipairs(state.processes) do
		local has = {}
		for _, name in ipairs(p.queues or {}) do has[name] = true end
		local host, exec = sidekiq.host_of(site, p), ""
		for _, process in ipairs(host and site.hosts[host].processes or {}) do
			if process.pid == p.pid and process.unit then exec = (site.hosts[host].units[process.unit] or {}).exec or "" end
		end
		local listed = exec:find("%s%-q") or exec:find("%s%-%-queue") or exec:find("%s%-C") or exec:find("%s%-%-config")
		for _, name in ipairs(sidekiq.needed) do listed = listed or not has[name] end
		own = own + (listed and 1 or 0)
	end
	site.served, site.own_lists = sidekiq.served(state), #state.processes > 0 and own == #state.processes
end

local SKEW = 10	-- seconds; a job of Sidekiq's or a restart may take less

-- What is new and what is old is told by times: of a migration on one host, of a Sidekiq's start on another, of its heartbeats in Redis. Words for
-- each clock that is surely off from the first host's by more than that, however long the answers took.
function M.clock_problems(s, site)
	local seen, list = {}, {}
	local function look(name, ask)
		local from = now()
		local at = tonumber(ask():match("^%s*(%d+)"))
		if at then seen[#seen + 1] = { name = name, low = at - now(), high = at + 1 - from } end
	end
	for _, host in ipairs(s:all "app") do look(host, function() return mastodon.read(s, host, "date +%s").out end) end
	look("Redis", function() return mastodon.read(s, site.first, mastodon.redis(site, "TIME"), { check = false }).out end)
	look("PostgreSQL", function() return mastodon.sql(s, site, "SELECT extract(epoch FROM clock_timestamp())::bigint")[1] or "" end)
	local first = seen[1]
	for _, one in ipairs(seen) do
		local behind, ahead = first.low - one.high, one.low - first.high
		if math.max(behind, ahead) > SKEW then
			list[#list + 1] = ("the clock of %s is %d s %s %s's"):format(one.name, math.floor(math.max(behind, ahead)), behind > ahead and "behind" or "ahead of", first.name)
		end
	end
	return list
end

function M.demand_clocks(s)
	local list = M.clock_problems(s, s.site)
	check(#list == 0, ("%s. Which processes are new and which are old is told by times, so nothing is begun. Set the clocks (timedatectl set-ntp true, or chronyc makestep), "
		.. "restart Sidekiq where a clock was ahead, then try again"):format(table.concat(list, "; ")))
end

-- Says what was found.
function M.tell(s)
	local site = s.site
	local web = s.fleet.mastodon.web
	if web and site.web_domain and web ~= site.web_domain then
		s:warn(("The fleet file says that the web address is %s; WEB_DOMAIN on %s is %s."):format(web, site.first, site.web_domain))
	end
	local h = site.hosts[site.first]
	for _, host in ipairs(s:all "app") do
		local one, states = site.hosts[host], {}
		for name, unit in sorted(one.units) do states[#states + 1] = name .. " " .. (unit.active or "?") end
		s:note(("%s: code %s (%s), Ruby %s, Node.js %s; %s"):format(host, one.code, one.tag, one.ruby or "?", one.node or "?", table.concat(states, ", ")))
		if one.code ~= h.code then s:warn(("The code on %s is %s, on %s %s."):format(host, one.code, site.first, h.code)) end
	end
	tell_of_mixed(s, site)
	s:note(("Running: %s. PostgreSQL %s, %s; Redis %s; newest migration %d."):format(site.from, site.pg, gib(site.db_kb), site.redis_version, site.schema))
end

-- Tags of the releases behind a up to b, as the remote has them. A pre-release has notes of its own only for who goes to one.
function M.tags_between(site, a, b)
	local list = {}
	for _, tag in ipairs(site.goal.tags) do
		local v = versions.parse(tag)
		if v and (not v.pre or v.text == b.text) and versions.compare(v.text, a.text) > 0 and versions.compare(v.text, b.text) <= 0 then list[#list + 1] = tag end
	end
	return list
end

-- ---- programs ----

local PG = [[for t in pg_dump pg_restore; do echo "$t=$($t --version 2>/dev/null | sed -n 's/^[^(]*(PostgreSQL) \([0-9]*\).*/\1/p')"; done
ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sed 's/^/there=/'
true]]

-- pg_dump refuses a server that is newer than itself.
function M.dump_problems(s, site)
	local have, there, problems, server = {}, nil, {}, tonumber(site.pg:match("^%d+"))
	for _, line in ipairs(lines(mastodon.read(s, site.first, PG).out)) do
		local key, value = line:match("^([%w_]+)=(.*)$")
		if key == "there" then
			local n = tonumber(value:match("/(%d+)/bin$"))
			if n and n >= server then there = there or value end
		elseif key then
			have[key] = tonumber(value)
		end
	end
	for _, name in ipairs { "pg_dump", "pg_restore" } do
		if have[name] and have[name] < server then
			problems[#problems + 1] = ("%s: %s %d cannot save a server of PostgreSQL %s. %s"):format(site.first, name, have[name], site.pg, there
				and ("A newer one lies in %s: name that folder first in mastodon.path in the fleet file"):format(there)
				or ("Install the client programs of %d (apt install postgresql-client-%d; apt.postgresql.org has them for every release of Debian and Ubuntu)"):format(server, server))
		end
	end
	return problems
end

-- Why Redis gives nobody a copy of itself (a rented one often does not), nil when it does.
function M.sync_refused(s, site)
	local function ask(words) return trim(mastodon.read(s, site.first, mastodon.redis(site, words), { check = false }).out) end
	if ask "COMMAND COUNT":find("^%d+$") and ask "COMMAND INFO SYNC" == "" then return "it has no command SYNC" end
	local who = ask "ACL WHOAMI"
	if not who:find("^[%w._-]+$") then return nil end
	local answer = ask("ACL DRYRUN " .. who .. " SYNC")
	return answer:find("no permission", 1, true) and answer or nil
end

local VIPS = [[PATH=$PATH:/usr/sbin:/sbin
say() { printf '%s=%s\n' "$1" "$2"; }
lib=$(ldconfig -p 2>/dev/null | sed -n 's/.*libvips\.so\.42 .*=> //p' | head -n 1)
[ -n "$lib" ] || for f in /usr/local/lib/libvips.so.42 /usr/lib/libvips.so.42 /usr/lib64/libvips.so.42 /usr/lib/*/libvips.so.42; do [ ! -e "$f" ] || lib=$f; done
say lib "$lib"
[ -z "$lib" ] || {
	v=$(ruby -rfiddle -e 'puts Fiddle::Function.new(Fiddle.dlopen(ARGV[0])["vips_version_string"], [], Fiddle::TYPE_VOIDP).call.to_s' "$lib" 2>/dev/null)
	[ -n "$v" ] || v=$(dpkg-query -W -f '${Version}\n' "$(dpkg-query -S "$lib" 2>/dev/null | sed 's/: .*//; q')" 2>/dev/null)
	[ -n "$v" ] || v=$(rpm -qf --qf '%{VERSION}\n' "$lib" 2>/dev/null)
	[ -n "$v" ] || v=$(pkg-config --modversion vips 2>/dev/null)
	say version "$v"
}
(. /etc/os-release && say id "$ID" && say release "$VERSION_ID" && say name "$PRETTY_NAME")
true]]

-- Mastodon uses the library; the command vips comes in another package, and is often not there. Fills h.vips, and h.vips_fix with advice.
function M.look_for_vips(s, host, h)
	local facts = {}
	for _, line in ipairs(lines(mastodon.read(s, host, VIPS).out)) do
		local key, value = line:match("^(%a+)=(.*)$")
		if key then facts[key] = value end
	end
	if (h.vips or "") == "" and (facts.lib or "") ~= "" then
		h.vips = (facts.version or ""):gsub("^%d+:", ""):match("[%d.]+") or "?"
	end
	h.vips_fix = versions.vips_advice(facts.id, facts.release, facts.name)
end

-- ---- room ----

local function free_kb(host, path)
	local cmd = [[d=%s; while [ ! -d "$d" ]; do d=$(dirname "$d"); done; df -Pk "$d" | awk 'NR == 2 { print $4 }']]
	local out = mastodon.root_read(host, cmd:format(q(path))).out
	return tonumber(trim(out)) or 0
end

function M.room_problems(s, site)
	local problems = {}
	local free = free_kb(site.first, s.params.backup_dir)
	if free < site.db_kb then
		problems[1] = ("%s: %s are free for the backup in %s, and the database has %s"):format(site.first, gib(free), s.params.backup_dir, gib(site.db_kb))
	end
	for _, host in ipairs(elsewhere.db_hosts(s, site)) do
		local at, wal = elsewhere.db_room(s, site, host)
		if at and at.kb < site.index_kb * 2 then
			problems[#problems + 1] = ("%s: %s are free for PostgreSQL (%s); building an index like the largest one (%s) needs twice its size")
				:format(host, gib(at.kb), at.mount, gib(site.index_kb))
		end
		if wal and wal.kb < site.index_kb then
			problems[#problems + 1] = ("%s: %s are free where PostgreSQL keeps its WAL (%s); building an index like the largest one (%s) writes as much there")
				:format(host, gib(wal.kb), wal.mount, gib(site.index_kb))
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

local AMCHECK = [[SELECT c.relname, bt_index_check(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am a ON a.oid = c.relam JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.amname = 'btree' AND n.nspname = 'public' AND i.indisunique AND i.indisvalid AND i.indisready
AND EXISTS (SELECT 1 FROM unnest(i.indcollation::oid[]) x WHERE x NOT IN (0, 950, 951))]]

-- bt_index_check of the unique indexes over text. Must be before 4.7; before others it is done when the extension is there.
function M.index_check(s, site, to, from)
	local must = versions.enters(from, to, "4.7")
	if site.collate == "C" or site.collate == "POSIX" or from.series == to.series then return end
	local host, port = elsewhere.db_hosts(s, site)[1], site.db.server.port
	local psql = ("psql -XAtq -v ON_ERROR_STOP=1 -p %d -d %s -c "):format(port, q(site.db.name))
	local how = ("sudo -u postgres psql %s-d %s -c 'CREATE EXTENSION amcheck' (on the primary; PostgreSQL's contrib package has it)")
		:format(port ~= 5432 and ("-p %d "):format(port) or "", site.db.name)
	if not host then
		check(not must, "before 4.7 the indexes must be checked, and the fleet file names no host with the role db. Name it")
		return s:note("The fleet file names no host with the role db, and PostgreSQL runs on no app host: whether indexes are whole was not checked.")
	end
	local extension = ssh.read(host, psql .. q("SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"), { as = "postgres", cwd = "/", check = false })
	if not extension.ok then
		local text = ("%s: PostgreSQL did not answer as its user postgres: %s"):format(host, trim(extension.err))
		check(not must, "before 4.7 the indexes must be checked. " .. text)
		return s:note("Whether indexes are whole was not checked. " .. text)
	end
	if trim(extension.out) == "0" then
		check(not must, "4.7 fails on a server with damaged indexes, so they must be checked first. Run: " .. how .. ", then try again")
		return s:note("Whether indexes are whole was not checked, because amcheck is not installed. 4.7 will want it: " .. how)
	end
	local answer = ssh.read(host, psql .. q(AMCHECK), { as = "postgres", cwd = "/", check = false })
	check(answer.ok, "An index is damaged. See https://docs.joinmastodon.org/admin/troubleshooting/index-corruption/ before anything else:\n" .. trim(answer.err))
	s:note(("%d unique indexes over text are whole."):format(#lines(answer.out)))
end

-- What the database says of the release that runs, while that one's code is the one that lies there: a list of texts.
function M.schema_warnings(s, site)
	local list = {}
	local environment = mastodon.sql(s, site, "SELECT value FROM ar_internal_metadata WHERE key = 'environment'")[1]
	if environment and environment ~= "production" then
		list[1] = ("The database says of itself that it is for “%s”, not production (ar_internal_metadata). Is it the right one? The migration will write production there"):format(environment)
	end
	local code = site.hosts[site.first].git and site.hosts[site.first].git.version
	if not code or not versions.parse(code) or not versions.parse(site.from) or versions.compare(code, site.from) ~= 0 then return list end
	local state = mastodon.migrations(s, site)
	if #state.down > 0 then
		list[#list + 1] = ("Migrations of %s, the release that runs, were never done: %d (%s). Perhaps its upgrade was not ended: run them first "
			.. "(RAILS_ENV=production bundle exec rails db:migrate), and restart, unless you know why they wait"):format(site.from, #state.down,
			table.concat(state.down, ", ", 1, math.min(3, #state.down)))
	end
	local brought, strange = {}, {}
	local tree = site.hosts[site.first].tree
	for version in (tree and tree.brings or ""):gmatch("%d+") do brought[version] = true end
	for _, version in ipairs(state.lost) do
		if not brought[version] then strange[#strange + 1] = version end
	end
	if #strange < #state.lost then
		list[#list + 1] = ("the database has %s of %s already: an upgrade to it was begun before. They count as done"):format(
			counted(#state.lost - #strange, "migration"), site.goal.version)
	end
	if #strange > 0 then
		list[#list + 1] = ("The database is newer than the code. Migrations in it that are neither of %s nor of what it goes to: %d (the newest is %s). Another release or a "
			.. "fork has run on it; going on may fail in the middle, when its tables are there already"):format(site.from, #strange, strange[#strange])
	end
	return list
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
	local old = site.old or a.tag
	local script = ([[changed() { name=$1; shift; if git diff --quiet '%s' '%s' -- "$@" 2>/dev/null; then echo "$name=no"; else echo "$name=yes"; fi; }
changed ruby .ruby-version
changed gems Gemfile.lock
changed streaming streaming yarn.lock package.json
git diff --name-only '%s' '%s' -- dist nginx .env.production.sample 2>/dev/null | sed 's/^/dist=/'
true]]):format(old, b.tag, old, b.tag)
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
