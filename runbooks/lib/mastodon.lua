-- mastodon.lua - a bare-metal Mastodon server: its commands run as its user with the right environment, and its facts.
-- SPDX-License-Identifier: GPL-3.0-or-later
local runtime = require "runtime"
local settings = require "settings"
local sorted = require "sorted"
local units = require "units"
local M = {}

-- A member of `mastodon` in the fleet file, or what the official guide has.
local function setting(s, name, usual)
	local table = s.fleet.mastodon
	return table and table[name] or usual
end

-- What is known of the servers so far. A step that does not name s.site may not read it.
local function site_of(s)
	local ok, site = pcall(function() return s.site end)
	return ok and site or nil
end

function M.live(s) return setting(s, "live", "/home/mastodon/live") end
function M.user(s) return setting(s, "user", "mastodon") end
function M.domain(s) return setting(s, "domain") end
-- Without a word of the fleet file it is WEB_DOMAIN, once that was read.
function M.web(s)
	local site = site_of(s)
	return setting(s, "web", site and site.web_domain or M.domain(s))
end
function M.url(s) return setting(s, "url", "https://" .. M.web(s)) end
function M.rbenv(s) return setting(s, "rbenv", M.live(s):gsub("/[^/]+/?$", "") .. "/.rbenv") end
function M.remote(s) return setting(s, "remote") end
-- Folders of the fleet file that come first in PATH.
function M.path(s)
	local rbenv = setting(s, "rbenv")
	return setting(s, "path", "") .. (rbenv and (":%s/shims:%s/bin"):format(rbenv, rbenv) or "")
end

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

-- PATH of a host: what its services run, once that is known.
local function path_of(s, host)
	local site = site_of(s)
	local h = site and site.hosts and site.hosts[host]
	return h and h.ruby_by and h.ruby_by.path or runtime.find({}, {}, M.path(s), M.rbenv(s)).path
end

-- Programs say in English what went wrong, whatever the host speaks: it is looked for in their words. UTF-8 all the same: Ruby reads files by it.
local WORDS = "C.UTF-8"

-- Options under which Mastodon's own commands work. rbenv stands at the end of ~/.bashrc, which a session without a terminal
-- never reads that far, so PATH is said in full; without RAILS_ENV the development gems would be looked for.
local function options(s, host, extra)
	return merge({ as = M.user(s), cwd = M.live(s), env = { PATH = path_of(s, host), RAILS_ENV = "production", LC_ALL = WORDS } }, extra)
end

-- The command, and its options: on a host whose unit has settings of its own they go along; a secret of the settings is read there.
local function dressed(s, host, cmd, extra)
	local opts, carried = options(s, host, extra), nil
	local site = site_of(s)
	if site and site.hosts and site.hosts[host] then carried = site.hosts[host].carried end
	if carried then
		cmd = carried.text .. cmd
		for name, value in pairs(carried.env) do opts.env[name] = opts.env[name] or value end
	end
	opts.stdin = opts.stdin or settings.stdin_for(cmd)
	return cmd, opts
end

function M.read(s, host, cmd, extra) return ssh.read(host, dressed(s, host, cmd, extra)) end

-- What helps is said with a failure where it is known (reason.lua sets M.advice).
local function advised(s, host, ok, result)
	if ok then return result end
	local failed = type(result) == "table" and result.kind == "remote" and result.code
	local advice = failed and M.advice and M.advice(s, host, cause(result), result)
	if advice then result.text = ("%s\nWhat this means: %s."):format(result.text, advice) end
	error(result, 0)
end

function M.run(s, host, cmd, extra) return advised(s, host, pcall(ssh.run, host, dressed(s, host, cmd, extra))) end
function M.job(s, host, name, cmd, extra) return advised(s, host, pcall(ssh.job, host, name, dressed(s, host, cmd, extra))) end

function M.root_read(host, cmd, extra) return ssh.read(host, cmd, merge({ as = "root", env = {} }, extra)) end
function M.root_run(host, cmd, extra) return ssh.run(host, cmd, merge({ as = "root", env = {} }, extra)) end

-- A program of PostgreSQL with the connection to PostgreSQL itself, past a PgBouncer. s.site must be known.
function M.pg(site, program)
	return settings.pg(site.hosts[site.first], site.db, program, site.db.direct_host, site.db.direct)
end

-- Rows of a query, fields parted by |, as a list of texts.
function M.sql(s, site, text)
	return lines(M.read(s, site.first, M.pg(site, "psql -XAtq -v ON_ERROR_STOP=1") .. " -c " .. q(text)).out)
end

-- Environment of a migration: straight to PostgreSQL, because Rails' lock does not survive a PgBouncer.
function M.migrate_env(site, extra)
	local env = site.db.url and {} or { DB_HOST = site.db.direct_host, DB_PORT = tostring(site.db.direct) }
	for k, v in pairs(extra or {}) do env[k] = v end
	return env
end

-- A redis-cli command, to Sidekiq's Redis unless another place is given.
function M.redis(site, words, place)
	return settings.redis_cli(site.hosts[site.first], place or site.redis, words)
end

local LOCAL = { address = "127.0.0.1", port = 3000 }

-- Where the web processes of a host listen, each of them.
function M.web_places(s, host)
	local list = s.site.hosts[host].web
	return list and #list > 0 and list or { LOCAL }
end

-- The first of them as the beginning of an address, and what curl is to be told beside it.
function M.web_base(s, host)
	local place = M.web_places(s, host)[1]
	if place.socket then return "http://localhost", "--unix-socket " .. q(place.socket) .. " " end
	return ("http://%s:%d"):format(place.address, place.port), ""
end

-- A page of a web process of a host, past nginx: the app wants its name and the word that it came by https. place: of which one,
-- else of the first.
function M.page(s, host, path, extra, place)
	return M.read(s, host, ("curl -sS -m 30 %s-H %s -H 'X-Forwarded-Proto: https' %s"):format(extra and extra .. " " or "",
		q("Host: " .. M.web(s)), units.curl_place(place or M.web_places(s, host)[1], path)), { check = false })
end

-- The version that the web process at a place says, or nil. The answer is cached for three minutes (tootctl cache clear).
function M.version_at(s, host, place)
	local answer = M.page(s, host, "/api/v2/instance", nil, place)
	local ok, page = pcall(json.decode, answer.out)
	return answer.ok and ok and type(page) == "table" and page.version or nil
end

-- The version that all web processes of a host say; nil when one says none, and all of them where they differ.
function M.running_version(s, host)
	local seen, list = {}, {}
	for _, place in ipairs(M.web_places(s, host)) do
		local version = M.version_at(s, host, place)
		if not version then return nil end
		if not seen[version] then list[#list + 1] = version end
		seen[version] = true
	end
	table.sort(list)
	return table.concat(list, " and ")
end

-- Every web process of the host answers.
function M.is_healthy(s, host)
	for _, place in ipairs(M.web_places(s, host)) do
		if trim(M.page(s, host, "/health", nil, place).out) ~= "OK" then return false end
	end
	return true
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
say ffmpeg "$(ffmpeg -version 2>/dev/null | sed -n -e '1s/^ffmpeg version n\{0,1\}\([0-9][0-9.]*\).*/\1/p' -e t -e '1s/^ffmpeg version .*/?/p')"
say corepack "$(command -v corepack >/dev/null && echo yes)"
say tools "$(for t in psql pg_dump pg_restore redis-cli curl; do command -v $t >/dev/null || printf ' %s' $t; done)"
say memory_kb "$(awk '/^(MemAvailable|SwapFree):/ { kb += $2 } END { print kb }' /proc/meminfo)"
say free_kb "$(df -Pk . | awk 'NR == 2 { print $4 }')"
say full "$({ df -Pk . /tmp | awk 'NR > 1 && $4 < 8192 { print $6 " (" $4 " KiB free)" }'; df -Pi . /tmp 2>/dev/null |
	awk 'NR > 1 && $2 + 0 > 0 && $4 + 0 < 500 { print $6 " (room for " $4 " more files)" }'; } | sort -u | tr '\n' ';')"
say env_sha "$(sha256sum 2>/dev/null <.env.production | cut -c 1-64)"
say env_mode "$(stat -c %a .env.production 2>/dev/null)"
true]]

-- The unit whose settings count on a host: one that is active before one that is not, the web's before Sidekiq's.
local function unit_of(all)
	local names, best, worth = {}, nil, 0
	for name in pairs(all) do names[#names + 1] = name end
	table.sort(names)
	for _, name in ipairs(names) do
		local n = ({ web = 3, sidekiq = 2, streaming = 1 })[all[name].kind] + (all[name].active == "active" and 3 or 0)
		if n > worth then best, worth = name, n end
	end
	return best
end

-- Programs, settings and units of one app host. Of secrets only that they are set, and digests to compare hosts with.
function M.host_facts(s, host)
	local found = units.look(host, M.live(s), M.named_units(s))
	local h = settings.look(host, M.live(s), M.user(s), unit_of(found.units))
	local carried, why = settings.carried(h, function(path)
		return ssh.read(host, "test -r " .. q(path), { as = M.user(s), check = false }).ok
	end)
	check(carried, host .. ": " .. tostring(why))
	h.carried = carried
	M.add_services(h, found)
	h.ruby_by = runtime.look(M.root_read, host, h.units, M.path(s), M.rbenv(s))
	for _, line in ipairs(lines(M.read(s, host, FACTS, { env = { PATH = h.ruby_by.path } }).out)) do
		local key, value = line:match("^([%w_]+)=(.*)$")
		if key then h[key] = value end
	end
	h.code = ("%s.%s.%s"):format(h.code_major or "?", h.code_minor or "?", h.code_patch or "?")
	return h
end

-- What runs on a host, into its facts: units, processes, where they listen.
function M.add_services(h, found)
	h.units, h.processes, h.web, h.streaming, h.looked_at, h.elsewhere = found.units, found.processes, found.web, found.streaming, found.now, found.elsewhere
	for _, place in ipairs(found.web) do h.web_port = h.web_port or place.port end
	for _, place in ipairs(found.streaming) do h.streaming_port = h.streaming_port or place.port end
end

-- Units that the fleet file names: mastodon = { units = { web = { "toot-web" }, … } }.
function M.named_units(s)
	local named = {}
	for _, kind in ipairs { "web", "sidekiq", "streaming" } do
		local list = setting(s, "units", {})[kind]
		for _, name in ipairs(type(list) == "table" and list or { list }) do named[name:gsub("%.service$", "")] = kind end
	end
	return named
end

-- Names of a host's units of a kind that run or are to run, sorted. A unit that stands for others (mastodon-streaming) comes without them.
function M.units(site, host, kind)
	local list, all = {}, site.hosts[host].units
	for name, unit in pairs(all) do
		local whole = unit.whole and all[unit.whole]
		if unit.kind == kind and unit.runs and not (whole and whole.runs) then list[#list + 1] = name end
	end
	table.sort(list)
	return list
end

-- Shell patterns of the files of a host's units, whatever their names, with their drop-ins.
function M.unit_files(site, host)
	local list, seen = {}, {}
	for name, unit in sorted(site.hosts[host].units) do
		local base = name:gsub("@.*$", "@")
		if unit.load ~= "not-found" and not seen[base] then
			seen[base] = true
			list[#list + 1] = ("etc/systemd/system/%s*"):format(q(base))
		end
	end
	return #list > 0 and table.concat(list, " ") or "etc/systemd/system/mastodon-*"
end

-- Hosts that have a unit of the kind, in the fleet's order.
function M.hosts_with(s, site, kind)
	local list = {}
	for _, host in ipairs(s:all "app") do
		if #M.units(site, host, kind) > 0 then list[#list + 1] = host end
	end
	return list
end

-- From where the outside is looked at: here, when this machine can resolve the name, else a host without a web process.
function M.outside_host(s, site)
	if here.read({ "getent", "hosts", M.web(s) }, { check = false }).code == 0 then return nil end
	local list = s:all "app"
	for _, host in ipairs(list) do
		if #M.units(site, host, "web") == 0 then return host end
	end
	return list[1]
end

-- ---- since when ----

-- A process runs what lay there when it started. Which one that is, is told by times alone: process ids and names that an earlier look
-- remembered say nothing about what was started meanwhile. All times are seconds of the host's own clock.

-- When the code that lies on the host came there.
function M.code_since(s, host)
	local out = M.read(s, host, [[t=$(git reflog -1 --date=unix --format=%gd HEAD 2>/dev/null | tr -dc 0-9)
[ -n "$t" ] || t=$(stat -c %Y "$(git rev-parse --git-dir)/HEAD")
echo "$t"]]).out
	-- It may have come at the end of that second.
	return check(tonumber(trim(out)), host .. ": when the code came there could not be found out: " .. trim(out):sub(1, 100)) + 1
end

-- When the last run of migrations ended; 0 = it was not in a walk.
function M.migrated_since(s, site)
	return tonumber(trim(M.read(s, site.first, "cat tmp/bellbook/migrated 2>/dev/null || true").out)) or 0
end

-- ---- migrations ----

-- Migrations by what the code says of them: down (not done), lost (done, and of no file of this code). skip: without those of after the deployment.
function M.migrations(s, site, skip)
	local env = M.migrate_env(site, skip and { SKIP_POST_DEPLOYMENT_MIGRATIONS = "true" } or nil)
	local state = { down = {}, lost = {} }
	for _, line in ipairs(lines(M.read(s, site.first, "bundle exec rails db:migrate:status", { env = env }).out)) do
		local how, version, name = line:match("^%s*(%l+)%s+(%d+)%s+(.*)$")
		if how == "down" then state.down[#state.down + 1] = version .. " " .. name end
		if how == "up" and name:find("NO FILE", 1, true) then state.lost[#state.lost + 1] = version end
	end
	return state
end

-- Names of the migrations that are down.
function M.down(s, site, skip) return M.migrations(s, site, skip).down end

-- Indexes that PostgreSQL calls invalid: what an interrupted CREATE INDEX CONCURRENTLY leaves.
function M.invalid_indexes(s, site)
	return M.sql(s, site, "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid")
end

return M
