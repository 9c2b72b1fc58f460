-- versions.lua - what each Mastodon series needs, what stands in the way to it, and what is to be known on the way.
-- SPDX-License-Identifier: GPL-3.0-or-later
local sorted = require "sorted"
local M = {}

-- Least versions, from each release's README. sidekiq: the gem's, by which a running process can be told apart.
M.series = {
	["4.1"] = { ruby = "2.7", pg = "9.5", redis = "4.0", node = "14", sidekiq = "6.5", magick = true },
	["4.2"] = { ruby = "3.0", pg = "10", redis = "4.0", node = "16", sidekiq = "6.5", magick = true },
	["4.3"] = { ruby = "3.1", pg = "12", redis = "4.0", node = "18", sidekiq = "6.5" },
	["4.4"] = { ruby = "3.2", pg = "13", redis = "6.2", node = "20", sidekiq = "7.3" },
	["4.5"] = { ruby = "3.2", pg = "14", redis = "7.0", node = "20.19", sidekiq = "8.0" },
	["4.6"] = { ruby = "3.3", pg = "14", redis = "7.0", node = "22", sidekiq = "8.1", vips = "8.13", ffmpeg = "5.1" },
	["4.7"] = { ruby = "3.3", pg = "14", redis = "7.0", node = "22", sidekiq = "8.1", vips = "8.13", ffmpeg = "5.1" },
}
M.order = { "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7" }

-- Oldest database schema from which the release's two-phase migration starts; older ones need the full stop.
M.floor = { ["4.4"] = { 20230907150100, "4.2" }, ["4.5"] = { 20230907150100, "4.2" }, ["4.6"] = { 20230907150100, "4.2" },
	["4.7"] = { 20241007071624, "4.3" } }

-- "v4.6.5" → { text = "4.6.5", full = "4.6.5", series = "4.6", tag = "v4.6.5", 4, 6, 5 }, or nil. As semver.org has it: behind - comes what
-- makes it a pre-release, older than the release itself; behind + what counts for nothing. text is without the latter, full has both.
-- Mastodon up to 4.1 wrote 4.1.0rc1.
function M.parse(text)
	local a, b, c, rest = tostring(text):match("^v?(%d+)%.(%d+)%.(%d+)(.*)$")
	if not a then return nil end
	local pre, build = rest:match("^%-?([%w.-]*)%+([%w.-]+)$")
	if not pre then pre, build = rest:match("^%-?([%w.-]*)$"), nil end
	if not pre or pre:find("^%.") or rest == "-" then return nil end
	local plain = ("%d.%d.%d"):format(a, b, c) .. (pre ~= "" and "-" .. pre or "")
	return { tonumber(a), tonumber(b), tonumber(c), text = plain, full = plain .. (build and "+" .. build or ""), series = a .. "." .. b, tag = "v" .. plain,
		pre = pre ~= "" and pre or nil, build = build }
end

-- Would code that has this version in it say that one, with the settings of its host (env)? MASTODON_VERSION_PRERELEASE takes the place of the code's own
-- word, MASTODON_VERSION_METADATA comes behind a fork's; a fork may know neither.
function M.says(code, says, env)
	local a, b = M.parse(code), M.parse(says)
	if not a or not b then return false end
	local word, pre = env.MASTODON_VERSION_METADATA, env.MASTODON_VERSION_PRERELEASE
	local plain = { a.text, pre and ("%d.%d.%d-%s"):format(a[1], a[2], a[3], pre) }
	local builds = a.build and { a.build, word and a.build .. "." .. word } or { "", word }
	for _, text in ipairs(plain) do
		for _, build in ipairs(builds) do
			if b.full == text .. (build ~= "" and "+" .. build or "") then return true end
		end
	end
	return false
end

-- "rc.10" → { "rc", 10 }, and so does "rc10".
local function pieces(pre)
	local list = {}
	for word in pre:gsub("(%a)(%d)", "%1.%2"):gsub("(%d)(%a)", "%1.%2"):gmatch("[^.]+") do list[#list + 1] = tonumber(word) or word end
	return list
end

-- What makes two versions pre-releases; "" is the release, newer than all of them. Numbers are below words, fewer pieces below more.
local function compare_pre(a, b)
	if a == "" or b == "" then return (a == "" and 1 or 0) - (b == "" and 1 or 0) end
	local x, y = pieces(a), pieces(b)
	for i = 1, math.max(#x, #y) do
		local m, n = x[i], y[i]
		if m == nil or n == nil then return m == nil and -1 or 1 end
		if type(m) ~= type(n) then return type(m) == "number" and -1 or 1 end
		if m ~= n then return m < n and -1 or 1 end
	end
	return 0
end

-- Compares versions: below 0, 0 or above 0. Missing numbers count as 0: "22" is at least "22.0". What follows + does not count; 4.7.0-rc.1 is
-- older than 4.7.0.
function M.compare(a, b)
	local function split(text) return tostring(text):gsub("%+.*$", ""):match("^v?([%d.]*)%-?(.*)$") end
	local core_a, pre_a = split(a)
	local core_b, pre_b = split(b)
	local x, y = core_a:gmatch("%d+"), core_b:gmatch("%d+")
	while true do
		local i, k = x(), y()
		if not i and not k then return compare_pre(pre_a, pre_b) end
		local d = tonumber(i or 0) - tonumber(k or 0)
		if d ~= 0 then return d end
	end
end

local function place(series)
	for i, name in ipairs(M.order) do if name == series then return i end end
end

-- Does going from one version to another enter a series (minor upgrade)? Who ran a pre-release of it only has not run the series yet.
function M.enters(from, to, series)
	return to.series == series and (from.series ~= to.series or from.pre ~= nil and from[3] == 0)
end

-- Why the way is closed, in words; nil when it is open.
function M.closed(from, to)
	local a, b = place(from.series), place(to.series)
	if not b then
		return ("this runbook's table of versions ends with %s and does not know %s: look for a newer runbook before you go on")
			:format(M.order[#M.order], to.series)
	end
	if not a then return ("%s is older than what this runbook knows (4.1): upgrade to 4.1 first"):format(from.text) end
	if M.compare(to.text, from.text) < 0 then
		return ("%s is older than the %s that runs: Mastodon cannot go back, its database is newer than the old code")
			:format(to.full, from.full)
	end
	if b > a and from.pre and from[3] == 0 then
		return ("%s is a pre-release, and no release of %s has run yet: upgrade to the newest %s first"):format(from.full, from.series, from.series)
	end
	if b - a > 1 then
		return ("from %s to %s skips the series %s: patch releases may be skipped, series may not. Upgrade to the newest %s first")
			:format(from.text, to.text, table.concat(M.order, " and ", a + 1, b - 1), M.order[a + 1])
	end
	if to.text == "4.4.0" then return "4.4.0 has faults that 4.4.1 mends: choose 4.4.1 or newer" end
end

-- Why two phases (pages stay up) cannot be, nil when they can.
function M.no_two_phase(to, schema)
	local floor = M.floor[to.series]
	if floor and schema < floor[1] then
		return ("the database is older than %s.0 (its newest migration is %d), and %s migrates such a one only while everything is "
			.. "stopped: choose way=full-stop"):format(floor[2], schema, to.series)
	end
end

-- The newest release of the target's series that is known among the tags, when that is newer. A pre-release is proposed to nobody.
function M.newer_patch(to, tags)
	local newest
	for _, tag in ipairs(tags) do
		local v = M.parse(tag)
		if v and not v.pre and not v.build and v.series == to.series and M.compare(v.text, (newest or to).text) > 0 then newest = v end
	end
	return newest
end

-- The newest release of each series among the tags that can be gone to from there, the newest first, as parse gives it and with words; and the newest of all when that
-- is not one of them. A pre-release is offered to nobody.
function M.offers(from, tags)
	local newest, last, list = {}, nil, {}
	for _, tag in ipairs(tags) do
		local v = M.parse(tag)
		if v and not v.pre and not v.build and M.compare(v.text, from.text) > 0 then
			if M.compare(v.text, last and last.text or from.text) > 0 then last = v end
			if not M.closed(from, v) and M.compare(v.text, newest[v.series] and newest[v.series].text or from.text) > 0 then newest[v.series] = v end
		end
	end
	for i = #M.order, 1, -1 do
		local v = newest[M.order[i]]
		if v then
			v.words = v.series ~= from.series and "the newest of the next series" or from.pre and "the newest of " .. v.series or "the newest patch of " .. v.series
			list[#list + 1] = v
		end
	end
	return list, last and last.text ~= (list[1] or from).text and last or nil
end

-- The newest tag of a fork in the same series, told by what stands behind the numbers (v4.6.5-glitch, v4.6.5+glitch); nil when that is the one named.
function M.newer_of_fork(name, tags)
	local mark, base = name:match("^v?%d+%.%d+%.%d+(.+)$"), M.parse(name)
	local newest, found = base, nil
	for _, tag in ipairs(base and mark and tags or {}) do
		local v = M.parse(tag)
		if v and tag:match("^v?%d+%.%d+%.%d+(.+)$") == mark and v.series == base.series and M.compare(v.text, newest.text) > 0 then newest, found = v, tag end
	end
	return found
end

-- What is to be said about a version that is no release.
function M.no_release(v)
	if not v.pre then return nil end
	return ("%s is %s, older than the release %d.%d.%d. What it does to the database may differ from what the release does: read what its "
		.. "makers say about the way on from it"):format(v.full, v.pre:find("nightly") and "a nightly build" or "a pre-release", v[1], v[2], v[3])
end

local function least(problems, what, have, want, fix)
	if not want then return end
	have = have and have:match("^[%d.]+")
	if not have or have == "" then
		problems[#problems + 1] = ("%s is not installed; at least %s is needed%s"):format(what, want, fix or "")
	elseif M.compare(have, want) < 0 then
		problems[#problems + 1] = ("%s %s is too old; at least %s is needed%s"):format(what, have, want, fix or "")
	end
end

-- How libvips is had on a release of the operating system; Debian 13 and Ubuntu 24.04 gave the package another name.
function M.vips_advice(id, release, name)
	local at = tonumber((release or ""):match("^[%d.]+"))
	if id == "debian" or id == "ubuntu" then
		local old, new = id == "debian" and 12 or 23, id == "debian" and 13 or 24
		if at and at < old then
			return (" (the package of %s is older than that: the operating system wants its upgrade first, or libvips is built by hand)"):format(name or id)
		end
		return (" (apt install %s)"):format((not at or at >= new) and "libvips42t64" or "libvips42")
	end
	if id == "fedora" or id == "rocky" or id == "almalinux" or id == "rhel" or id == "centos" then return " (dnf install vips)" end
	if id == "arch" then return " (pacman -S libvips)" end
	return " (your system's package of libvips)"
end

-- Programs of one app host against the table; “?” is a version that is not told in numbers. Ruby is another matter: see runtime.lua.
function M.host_problems(to, facts)
	local need, problems = M.series[to.series], {}
	local path = facts.ruby_by and facts.ruby_by.path or "the usual folders"
	least(problems, "Node.js", facts.node, need.node, (facts.node or "") == ""
		and (". Looked for in %s: when it lies elsewhere, name its folder with mastodon.path in the fleet file"):format(path)
		or " (a package of NodeSource, or your way of installing Node.js)")
	if facts.vips ~= "?" then least(problems, "libvips", facts.vips, need.vips, facts.vips_fix) end
	if facts.ffmpeg ~= "?" then least(problems, "FFmpeg", facts.ffmpeg, need.ffmpeg, " (apt install ffmpeg, or your system's package)") end
	if M.compare(to.series, "4.3") >= 0 and facts.corepack ~= "yes" then
		problems[#problems + 1] = "corepack is not there, without it the yarn that " .. to.series .. " wants cannot be had "
			.. "(it comes with Node.js up to 24; else: npm install -g corepack)"
	end
	return problems
end

-- PostgreSQL and Redis against the table.
function M.server_problems(from, to, site)
	local need, problems = M.series[to.series], {}
	least(problems, "PostgreSQL", site.pg, need.pg, "; upgrade PostgreSQL first, as a work of its own")
	least(problems, "Redis", site.redis_version, need.redis, "; upgrade Redis first")
	if M.enters(from, to, "4.3") and M.compare(site.pg, "14.0") >= 0 and M.compare(site.pg, "14.3") <= 0 then
		problems[#problems + 1] = ("PostgreSQL %s: 14.0 to 14.3 damage indexes that are built while the site runs "
			.. "(“Adding an index concurrently can cause silent data corruption”); install 14.4 or newer first"):format(site.pg)
	end
	return problems
end

local KEYS_HOW = "Make the three values ONCE, and put the same three lines into .env.production of EVERY host: "
	.. "for n in DETERMINISTIC_KEY KEY_DERIVATION_SALT PRIMARY_KEY; do echo ACTIVE_RECORD_ENCRYPTION_$n=$(openssl rand -hex 16); done "
	.. "(from 4.3 on `bin/rails db:encryption:init` prints such lines, too). Keep a copy in the team's safe and never change them: "
	.. "without them nobody with two-factor login gets in again, and from 4.7 on the server loses its identity"

-- Three keys on every host, and the same ones.
local function keys_gate(from, to, site)
	if M.compare(to.series, "4.3") < 0 then return end
	local sha, where
	for host, h in sorted(site.hosts) do
		if h.keys ~= "3" then
			return ("%s has %s of the three ACTIVE_RECORD_ENCRYPTION_… lines in .env.production. %s"):format(host, h.keys or "none",
				from.series == "4.2" and KEYS_HOW or "Copy the lines from a host that has them; do not make new ones")
		end
		if sha and sha ~= h.keys_sha then
			return ("the ACTIVE_RECORD_ENCRYPTION_… lines of %s and %s differ: data written with one set cannot be read with the other. "
				.. "Find out which set the running site uses before you go on"):format(host, where)
		end
		sha, where = h.keys_sha, host
	end
end

local function otp_gate(from, to, site)
	if not M.enters(from, to, "4.3") then return end
	for host, h in sorted(site.hosts) do
		if h.env.OTP_SECRET ~= "(set)" then
			return host .. " has no OTP_SECRET in .env.production: the migration to 4.3 reads the two-factor secrets with it, "
				.. "so it must be there, unchanged, until the second part of the migration is done"
		end
	end
end

local function namespace_gate(_, to, site)
	if M.compare(to.series, "4.4") < 0 then return end
	for host, h in sorted(site.hosts) do
		if (h.env.REDIS_NAMESPACE or "") ~= "" then
			return host .. " sets REDIS_NAMESPACE, with which 4.4 and newer refuse to start. Stop everything and move the keys with "
				.. "https://github.com/mastodon/redis_namespace_migration, then remove the line (with Elasticsearch and no ES_PREFIX, "
				.. "rename it to ES_PREFIX)"
		end
	end
end

local function vips_gate(_, to, site)
	if M.compare(to.series, "4.6") < 0 then return end
	for host, h in sorted(site.hosts) do
		if h.env.MASTODON_USE_LIBVIPS == "false" then
			return host .. " sets MASTODON_USE_LIBVIPS=false, which 4.6 no longer allows: remove the line"
		end
	end
end

-- With lists of queues of your own, some process must also serve the queue that 4.4 brought.
local function fasp_gate(_, to, site)
	if M.compare(to.series, "4.4") < 0 then return end
	if site.own_lists and not (site.served or {}).fasp then
		return "every Sidekiq process has a list of queues of its own (-q, --queue, or a file), and none serves “fasp”, which came with 4.4: its "
			.. "jobs would wait for ever. Add `-q fasp` to one unit's ExecStart, run systemctl daemon-reload and restart that unit"
	end
end

local function destruct_gate(_, _, site)
	for host, h in sorted(site.hosts) do
		if h.env.SELF_DESTRUCT == "(set)" then
			return host .. " has SELF_DESTRUCT in .env.production: with a valid value the next start tells all servers to delete "
				.. "every account. Find out where it came from; do not restart anything"
		end
	end
end

M.gates = { destruct_gate, keys_gate, otp_gate, namespace_gate, vips_gate, fasp_gate }

-- What is only to be known. step: where it is said. when: nil for everybody who enters the series, else a condition.
local function with_search(site)
	for _, h in sorted(site.hosts) do if h.env.ES_ENABLED == "true" then return true end end
	return false
end

M.texts = {
	{ "4.2", "gates", "4.2 asks https://api.joinmastodon.org for updates from now on (UPDATE_CHECK_URL= switches that off). "
		.. "STREAMING_CLUSTER_NUM and the makara replica settings are gone: use one unit per process and REPLICA_DB_…." },
	{ "4.2", "streaming", "4.2 brought units per process: copy dist/mastodon-streaming*.service to /etc/systemd/system, then daemon-reload." },
	{ "4.2", "search", "All mappings changed and two indexes are new. Rebuild the whole search index: tootctl search deploy "
		.. "--reset-chewy. 4.2.0 itself dies in it on tables that were never analyzed (run ANALYZE first, or take 4.2.1).", with_search },
	{ "4.3", "gates", "4.3 removed StatsD, and since 4.2.9 wrong client addresses (TRUSTED_PROXY_IP, real_ip) end in a page with error 500." },
	{ "4.3", "yarn", "4.3 changed to yarn 4 through corepack. When this is left out, pages show an error while apps still work." },
	{ "4.3", "migrate-post", "The second part rewrites the two-factor secrets with OTP_SECRET. “Unable to decrypt OTP secret for user N” "
		.. "means OTP_SECRET is not the one it was written with: find the old value. Only when that is lost for good, "
		.. "MIGRATION_IGNORE_INVALID_OTP_SECRET=true gives those users up." },
	{ "4.4", "migrate-post", "The second part drops the old two-factor columns; OTP_SECRET is no longer needed after it." },
	{ "4.4", "search", "The accounts index has new analyzers: tootctl search deploy --only-mapping --only=accounts.", with_search },
	{ "4.5", "migrate", "4.5 builds large indexes on statuses, follows and conversations: hours and free disk on "
		.. "a big server. Do not interrupt it." },
	{ "4.4", "inside", "Watchdogs of your own that look for “sidekiq 6” in the list of processes must look for any number now." },
	{ "4.5", "inside", "Watchdogs that look for “sidekiq 7” must look for any number now." },
	{ "4.5", "inside", "Sidekiq 8 writes its times in milliseconds: monitoring of your own may show absurd queue latencies." },
	{ "4.6", "web", "nginx: the sample of 4.6 was rewritten (@proxy is @mastodon, the sw.js block is gone, proxy_read_timeout 120). "
		.. "The old one goes on working; compare it with dist/nginx.conf when there is time." },
	{ "4.6", "search", "With 4.6 `search deploy --only-mapping` over all indexes fails with “unknown setting [index.analysis]” at the "
		.. "instances index: name the index with --only=. Elasticsearch 7 stays the tested one; 8 cannot be taken back to 7.", with_search },
	{ "4.7", "migrate", "4.7 has unusually long migrations, hours on a big server. Do not interrupt them." },
	{ "4.7", "migrate-post", "The second part moves every member's signing key into a table that is encrypted with the "
		.. "ACTIVE_RECORD_ENCRYPTION_… keys, and empties the old columns. Losing those keys then means losing the server's identity. "
		.. "A process of the old version that still runs anywhere signs with an empty key (“Neither PUB key nor PRIV key”)." },
	{ "4.7", "search", "ES_QUERY_TIMEOUT is new: searches end after 10 s by default.", with_search },
}

-- The texts that belong to a step on this way.
function M.texts_for(from, to, step, site)
	local list = {}
	for _, text in ipairs(M.texts) do
		if text[2] == step and M.enters(from, to, text[1]) and (not text[4] or text[4](site)) then list[#list + 1] = text[3] end
	end
	return list
end

return M
