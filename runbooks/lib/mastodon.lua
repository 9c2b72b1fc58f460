-- mastodon.lua - a bare-metal Mastodon server: its commands run as its user with the right environment, and its facts.
-- SPDX-License-Identifier: GPL-3.0-or-later
local M = {}

-- A member of `mastodon` in the fleet file, or what the official guide has.
local function setting(s, name, usual)
	local table = s.fleet.mastodon
	return table and table[name] or usual
end

function M.live(s) return setting(s, "live", "/home/mastodon/live") end
function M.user(s) return setting(s, "user", "mastodon") end
function M.domain(s) return setting(s, "domain") end
function M.web(s) return setting(s, "web", M.domain(s)) end
function M.url(s) return setting(s, "url", "https://" .. M.web(s)) end
function M.rbenv(s) return setting(s, "rbenv", M.live(s):gsub("/[^/]+/?$", "") .. "/.rbenv") end

local function merge(base, extra)
	for k, v in pairs(extra or {}) do
		if k == "env" then
			for name, value in pairs(v) do base.env[name] = value end
		else
			base[k] = v
		end
	end
	return base
end

-- Options under which Mastodon's own commands work. rbenv stands at the end of ~/.bashrc, which a session without a terminal
-- never reads that far, so PATH is said in full; without RAILS_ENV the development gems would be looked for.
local function options(s, extra)
	local path = ("%s/shims:%s/bin:/usr/local/bin:/usr/bin:/bin"):format(M.rbenv(s), M.rbenv(s))
	return merge({ as = M.user(s), cwd = M.live(s), env = { PATH = path, RAILS_ENV = "production" } }, extra)
end

function M.read(s, host, cmd, extra) return ssh.read(host, cmd, options(s, extra)) end
function M.run(s, host, cmd, extra) return ssh.run(host, cmd, options(s, extra)) end
function M.job(s, host, name, cmd, extra) return ssh.job(host, name, cmd, options(s, extra)) end

function M.root_read(host, cmd, extra) return ssh.read(host, cmd, merge({ as = "root", env = {} }, extra)) end
function M.root_run(host, cmd, extra) return ssh.run(host, cmd, merge({ as = "root", env = {} }, extra)) end

-- Shell text whose value is NAME's in .env.production, without its quotes; it is read on the host and never shown.
local function env_value(name)
	return ([["$(sed -n "s/^\(export \)\{0,1\}%s=//p" .env.production | tail -n 1 | sed "s/^['\"]//; s/['\"]\$//")"]]):format(name)
end

-- The connection to PostgreSQL itself, past a PgBouncer. s.site must be known.
function M.pg(site, program)
	local password = site.db.password and "PGPASSWORD=" .. env_value("DB_PASS") .. " " or ""
	return ("%s%s -h %s -p %d -U %s -d %s"):format(password, program, q(site.db.host), site.db.direct, q(site.db.user), q(site.db.name))
end

-- Rows of a query, fields parted by |, as a list of texts.
function M.sql(s, site, text)
	return lines(M.read(s, site.first, M.pg(site, "psql -XAtq -v ON_ERROR_STOP=1") .. " -c " .. q(text)).out)
end

-- Environment of a migration: straight to PostgreSQL, because Rails' lock does not survive a PgBouncer.
function M.migrate_env(site, extra)
	local env = { DB_HOST = site.db.host, DB_PORT = tostring(site.db.direct) }
	for k, v in pairs(extra or {}) do env[k] = v end
	return env
end

-- A redis-cli command; the password comes from the host's own .env.production.
function M.redis(site, words)
	local auth = ""
	if site.redis.auth == "password" then
		auth = "REDISCLI_AUTH=" .. env_value("REDIS_PASSWORD") .. " "
	elseif site.redis.auth then
		auth = ([[REDISCLI_AUTH="$(sed -n "s#^%s=.*://[^:]*:\([^@]*\)@.*#\1#p" .env.production | tail -n 1)" ]]):format(site.redis.auth)
	end
	return ("%sredis-cli --no-auth-warning%s -h %s -p %d -n %d %s")
		:format(auth, site.redis.tls and " --tls" or "", q(site.redis.host), site.redis.port, site.redis.db, words)
end

-- A page of the web process of a host, past nginx: the app wants its name and the word that it came by https.
function M.page(s, host, path, extra)
	local h = s.site.hosts[host]
	return M.read(s, host, ("curl -sS -m 30 %s-H %s -H 'X-Forwarded-Proto: https' %s"):format(extra and extra .. " " or "",
		q("Host: " .. M.web(s)), q(("http://127.0.0.1:%d%s"):format(h.web_port or 3000, path))), { check = false })
end

-- The version that the web process of a host says, or nil. The answer is cached for three minutes (tootctl cache clear).
function M.running_version(s, host)
	local answer = M.page(s, host, "/api/v2/instance")
	local ok, page = pcall(json.decode, answer.out)
	return answer.ok and ok and type(page) == "table" and page.version or nil
end

function M.is_healthy(s, host)
	return trim(M.page(s, host, "/health").out) == "OK"
end

-- ---- facts ----

local FACTS = [[
say() { printf '%s=%s\n' "$1" "$2"; }
say hostname "$(uname -n)"
say addresses "$(hostname -I 2>/dev/null)"
say tag "$(git describe --tags --always 2>/dev/null)"
say dirty "$(git status --porcelain | head -n 5 | tr '\n' ';')"
awk '/def (major|minor|patch)$/ { name = $2; getline; gsub(/[^0-9]/, ""); print "code_" name "=" $0 }' lib/mastodon/version.rb
say ruby_wanted "$(cat .ruby-version)"
say ruby "$(ruby -v 2>/dev/null | cut -d ' ' -f 2)"
say node "$(node --version 2>/dev/null | tr -d v)"
say vips "$(vips --version 2>/dev/null | sed -n 's/^vips-\([0-9.]*\).*/\1/p')"
say ffmpeg "$(ffmpeg -version 2>/dev/null | sed -n '1s/^ffmpeg version n\{0,1\}\([0-9.]*\).*/\1/p')"
say corepack "$(command -v corepack >/dev/null && echo yes)"
say tools "$(for t in psql pg_dump pg_restore redis-cli curl; do command -v $t >/dev/null || printf ' %s' $t; done)"
say memory_kb "$(awk '/^(MemAvailable|SwapFree):/ { kb += $2 } END { print kb }' /proc/meminfo)"
say free_kb "$(df -Pk . | awk 'NR == 2 { print $4 }')"
conf() { grep -E "^(export )?($1)=." .env.production; }
say env_sha "$(sha256sum <.env.production | cut -c 1-64)"
say env_mode "$(stat -c %a .env.production)"
say keys "$(conf 'ACTIVE_RECORD_ENCRYPTION_(DETERMINISTIC_KEY|KEY_DERIVATION_SALT|PRIMARY_KEY)' | wc -l)"
say keys_sha "$(conf 'ACTIVE_RECORD_ENCRYPTION_.*' | sort | sha256sum | cut -c 1-16)"
say base_sha "$(conf 'SECRET_KEY_BASE|OTP_SECRET' | sort | sha256sum | cut -c 1-16)"
conf 'LOCAL_DOMAIN|WEB_DOMAIN|DB_HOST|DB_PORT|DB_NAME|DB_USER|PREPARED_STATEMENTS|REDIS_HOST|REDIS_PORT|REDIS_NAMESPACE|ES_ENABLED|MASTODON_USE_LIBVIPS' |
	sed "s/^export //; s/=['\"]/=/; s/['\"]\$//; s/^/env_/"
conf 'REDIS_URL|SIDEKIQ_REDIS_URL' | sed "s/^export //; s/=['\"]/=/; s/['\"]\$//; s#//[^@]*@#//(secret)@#; s/^/env_/"
conf 'DB_PASS|REDIS_PASSWORD|OTP_SECRET|DATABASE_URL|SELF_DESTRUCT' | sed 's/^export //; s/=.*/=(set)/; s/^/env_/'
true]]

local UNITS = [[
{ systemctl list-unit-files --no-legend 'mastodon-*.service'; systemctl list-units --all --plain --no-legend 'mastodon-*.service'; } |
awk '$1 !~ /@\.service$/ { print $1 }' | sort -u | while read -r unit; do
	echo "unit=$unit"
	systemctl show -p ActiveState -p UnitFileState -p TimeoutStopUSec -p NeedDaemonReload -p MainPID -p ExecStart "$unit"
	systemctl show -p Environment --value "$unit" | tr ' ' '\n' | sed -n 's/^"\{0,1\}PORT=\([0-9]*\).*/port=\1/p'
done]]

local function kind_of(name)
	return name:match("^mastodon%-(web)") or name:match("^mastodon%-(sidekiq)") or name:match("^mastodon%-(streaming)")
end

local function read_units(host)
	local units, unit = {}, nil
	for _, line in ipairs(lines(M.root_read(host, UNITS).out)) do
		local key, value = line:match("^([%w]+)=(.*)$")
		if key == "unit" then
			unit = { kind = kind_of(value) }
			if unit.kind then units[value:gsub("%.service$", "")] = unit end
		elseif unit and key == "port" then
			unit.port = tonumber(value)
		elseif unit and key then
			unit[({ ActiveState = "active", UnitFileState = "enabled", TimeoutStopUSec = "stop_timeout",
				NeedDaemonReload = "stale", MainPID = "pid", ExecStart = "exec" })[key]] = value
		end
	end
	return units
end

-- Programs, settings and units of one app host. Of secrets only that they are set, and digests to compare hosts with.
function M.host_facts(s, host)
	local h = { env = {} }
	for _, line in ipairs(lines(M.read(s, host, FACTS).out)) do
		local key, value = line:match("^([%w_]+)=(.*)$")
		local name = key and key:match("^env_([A-Z_]+)$")
		if name then h.env[name] = value elseif key then h[key] = value end
	end
	h.code = ("%s.%s.%s"):format(h.code_major or "?", h.code_minor or "?", h.code_patch or "?")
	h.units = read_units(host)
	for _, unit in pairs(h.units) do
		if unit.kind == "web" then h.web_port = unit.port or 3000 end
		if unit.kind == "streaming" and unit.port then h.streaming_port = unit.port end
	end
	return h
end

-- Names of a host's units of a kind, sorted. A unit that stands for all streaming processes comes alone.
function M.units(site, host, kind)
	local list = {}
	for name, unit in pairs(site.hosts[host].units) do
		if unit.kind == kind then list[#list + 1] = name end
	end
	table.sort(list)
	if kind == "streaming" and list[1] == "mastodon-streaming" then list = { list[1] } end
	return list
end

-- Hosts that have a unit of the kind, in the fleet's order.
function M.hosts_with(s, site, kind)
	local list = {}
	for _, host in ipairs(s:all "app") do
		if #M.units(site, host, kind) > 0 then list[#list + 1] = host end
	end
	return list
end

-- Where Redis of Sidekiq is, from the settings of a host.
function M.redis_place(env)
	local name = env.SIDEKIQ_REDIS_URL and "SIDEKIQ_REDIS_URL" or env.REDIS_URL and "REDIS_URL" or nil
	if not name then
		return { host = env.REDIS_HOST or "localhost", port = tonumber(env.REDIS_PORT) or 6379, db = 0,
			auth = env.REDIS_PASSWORD and "password" or nil, prefix = env.REDIS_NAMESPACE and env.REDIS_NAMESPACE .. ":" or "" }
	end
	local scheme, rest = env[name]:match("^(%w+)://(.*)$")
	check(scheme and rest, name .. " in .env.production is not understood; it should look like redis://HOST:PORT/0")
	local auth, place = rest:match("^(.*)@(.*)$")
	local address, db = (place or rest):match("^([^/]*)/?(%d*)")
	local host, port = address:match("^(.-):?(%d*)$")
	return { host = host, port = tonumber(port) or 6379, db = tonumber(db) or 0, tls = scheme == "rediss",
		auth = auth and name or nil, prefix = env.REDIS_NAMESPACE and env.REDIS_NAMESPACE .. ":" or "" }
end

-- Where PostgreSQL is, and the port that goes past a PgBouncer.
function M.db_place(env, host, direct)
	return { host = host or env.DB_HOST or "localhost", direct = direct, name = env.DB_NAME or "mastodon_production",
		user = env.DB_USER or "mastodon", password = env.DB_PASS == "(set)",
		pooled = env.DB_PORT == "6432" or env.PREPARED_STATEMENTS == "false" }
end

-- ---- migrations ----

-- Names of the migrations that are down. skip: without those of after the deployment.
function M.down(s, site, skip)
	local env = M.migrate_env(site, skip and { SKIP_POST_DEPLOYMENT_MIGRATIONS = "true" } or nil)
	local list = {}
	for _, line in ipairs(lines(M.read(s, site.first, "bundle exec rails db:migrate:status", { env = env }).out)) do
		local version, name = line:match("^%s*down%s+(%d+)%s+(.*)$")
		if version then list[#list + 1] = version .. " " .. name end
	end
	return list
end

-- Indexes that PostgreSQL calls invalid: what an interrupted CREATE INDEX CONCURRENTLY leaves.
function M.invalid_indexes(s, site)
	return M.sql(s, site, "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid")
end

-- What a failed migration says, and what to do about it.
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
	{ "No space left on device", "the database's disk is full: make room, then try again; what was done stays done" },
	{ "canceling statement", "it was interrupted; try again. If an index was being built, the step offers to drop the half-built one" },
	{ "already exists", "an interrupted index stands in the way; try again, and the step offers to drop it" },
	{ "uninitialized constant", "RAILS_ENV or the gems are not right" },
}

-- The lines of a failed migration that matter, with advice.
function M.migration_words(out, err)
	local text, hint = err .. "\n" .. out, ""
	for _, h in ipairs(HINTS) do
		if text:find(h[1]) then hint = "\nWhat this means: " .. h[2] .. "." break end
	end
	local said, seen = {}, { [""] = true, ["Caused by:"] = true }
	for _, line in ipairs(lines(err)) do
		line = trim(line)
		if #said < 4 and not seen[line] and not line:find("strong_migrations") and not line:find("aborted!") then said[#said + 1] = line end
		seen[line] = true
	end
	return table.concat(said, "\n") .. hint
end

return M
