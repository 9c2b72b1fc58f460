-- versions.lua - the upgrade's rules that need no host: versions, and what units run. Run by tests/cli/code.bats with lua5.4.
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q lines
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local versions = require "versions"
local runtime = require "runtime"
local sidekiq = require "sidekiq"

local function same(what, have, want)
	if have ~= want then error(("%s: %s instead of %s"):format(what, tostring(have), tostring(want)), 2) end
end

-- A process from before the code came serves what the old code named; what the new one brings it serves once it was started anew.
same("an old process", sidekiq.any_older({ processes = { { hostname = "a", started = 10 }, { hostname = "b", started = 30 } } }, { a = 20, b = 20 }), true)
same("new ones, and one of elsewhere", sidekiq.any_older({ processes = { { hostname = "a", started = 21 }, { hostname = "c", started = 1 } } }, { a = 20 }), false)

-- Each is older than the one behind it.
local ladder = { "4.4.0", "4.5.0-alpha.1", "4.5.0-alpha.2", "4.5.0-beta.1", "4.5.0-beta.2", "4.5.0-nightly.2026-08-01", "4.5.0-rc.1", "4.5.0-rc.2", "4.5.0-rc.10", "4.5.0",
	"4.5.1", "4.5.9", "4.5.10", "4.6.0", "4.10.0" }
for i = 1, #ladder do
	for k = 1, #ladder do
		local d = versions.compare(ladder[i], "v" .. ladder[k] .. "+glitch.2")
		same(ladder[i] .. " and " .. ladder[k], d < 0 and -1 or d > 0 and 1 or 0, i < k and -1 or i > k and 1 or 0)
	end
end
same("1.0.0-alpha < 1.0.0-alpha.1", versions.compare("1.0.0-alpha", "1.0.0-alpha.1"), -1)
same("1.0.0-1 < 1.0.0-alpha", versions.compare("1.0.0-1", "1.0.0-alpha"), -1)
same("the old way of writing", versions.compare("4.1.0rc3", "4.1.0-rc.3"), 0)
same("22 and 22.0", versions.compare("22", "22.0"), 0)
same("node", versions.compare("20.19.5", "22") < 0, true)

-- text, full, series, tag, pre, build
for text, want in pairs { ["v4.6.5"] = "4.6.5 4.6.5 4.6 v4.6.5 - -", ["4.6.5+glitch"] = "4.6.5 4.6.5+glitch 4.6 v4.6.5 - glitch",
	["4.7.0-rc.1"] = "4.7.0-rc.1 4.7.0-rc.1 4.7 v4.7.0-rc.1 rc.1 -", ["v4.6.5-glitch"] = "4.6.5-glitch 4.6.5-glitch 4.6 v4.6.5-glitch glitch -",
	["4.5.0-beta.1+our-fork.3"] = "4.5.0-beta.1 4.5.0-beta.1+our-fork.3 4.5 v4.5.0-beta.1 beta.1 our-fork.3", ["4.1.0rc1"] = "4.1.0-rc1 4.1.0-rc1 4.1 v4.1.0-rc1 rc1 -" } do
	local v = assert(versions.parse(text), text)
	same(text, table.concat({ v.text, v.full, v.series, v.tag, v.pre or "-", v.build or "-" }, " "), want)
end
for _, text in ipairs { "", "newest", "4.6", "4.6.5.1", "4.6.5 x", "main", "v4.6.x", "4.6.5-" } do same("parse " .. text, versions.parse(text), nil) end

-- from, to, part of the reason (nil: open)
for _, way in ipairs { { "4.5.15", "4.6.5" }, { "4.5.15+glitch", "4.5.15+glitch" }, { "4.5.15", "4.5.15+glitch.2" }, { "4.5.15", "4.6.0-rc.1" }, { "4.6.0-rc.1", "4.6.0" },
	{ "4.6.0-nightly.2026-05-01", "4.6.5" }, { "4.6.0", "4.6.0-rc.1", "cannot go back" }, { "4.6.0-beta.1", "4.5.20", "cannot go back" }, { "4.6.0-rc.1", "4.7.4", "pre-release" },
	{ "4.5.15", "4.7.0-rc.1", "skips the series 4.6" }, { "4.7.4", "4.8.0-alpha.1", "does not know 4.8" }, { "4.3.20", "4.4.0", "4.4.1" }, { "4.0.2", "4.1.0", "older than" } } do
	local reason = versions.closed(versions.parse(way[1]), versions.parse(way[2]))
	if way[3] then
		same(way[1] .. " to " .. way[2] .. ": " .. tostring(reason), (reason or ""):find(way[3], 1, true) ~= nil, true)
	else
		same(way[1] .. " to " .. way[2], reason, nil)
	end
end
same("a pre-release has not entered its series", versions.enters(versions.parse "4.3.0-rc.1", versions.parse "4.3.0", "4.3"), true)
same("a patch enters none", versions.enters(versions.parse "4.3.0", versions.parse "4.3.1", "4.3"), false)
local tags = { "v4.5.20", "v4.6.0", "v4.6.5", "v4.6.6", "v4.6.7-rc.1", "v4.6.9-glitch", "v4.7.0" }
same("newest patch", (versions.newer_patch(versions.parse "4.6.0", tags) or {}).text, "4.6.6")
same("is the newest", versions.newer_patch(versions.parse "4.6.6", tags), nil)
-- What can be gone to from a version, the newest first: which, and what is said of it.
local function offered(from, list)
	local texts = {}
	local offers, over = versions.offers(versions.parse(from), list)
	for i, one in ipairs(offers) do texts[i] = one.text .. ": " .. one.words end
	local beyond = over and over.text or "none"
	return table.concat(texts, "; ") .. " | " .. beyond
end
same("offers of two series", offered("4.5.15", tags), "4.6.6: the newest of the next series; 4.5.20: the newest patch of 4.5 | 4.7.0")
same("offers of one", offered("4.5.20", { "v4.5.20", "v4.6.0" }), "4.6.0: the newest of the next series | none")
same("no offer", offered("4.7.0", tags), " | none")
same("a pre-release is offered to nobody", offered("4.6.6", { "v4.6.6", "v4.6.7-rc.1", "v4.7.0-rc.1" }), " | none")
same("from a pre-release its own series comes first", offered("4.6.0-rc.1", tags), "4.6.6: the newest of 4.6 | 4.7.0")
local forks = { "v4.6.4-glitch", "v4.6.6", "v4.6.9-glitch", "v4.6.10-glitch", "v4.6.11-other", "v4.7.0-glitch", "v4.6.7+glitch" }
for name, want in pairs { ["v4.6.5-glitch"] = "v4.6.10-glitch", ["v4.6.10-glitch"] = "none", ["v4.6.5+glitch"] = "v4.6.7+glitch", ["v4.6.5"] = "none", ["ours/4.6.5"] = "none" } do
	same("of the fork of " .. name, versions.newer_of_fork(name, forks) or "none", want)
end
same("a pre-release is proposed the release", (versions.newer_patch(versions.parse "4.7.0-rc.1", tags) or {}).text, "4.7.0")
assert(versions.no_release(versions.parse "4.6.0-nightly.2026-05-01"):find("nightly", 1, true))
same("a release", versions.no_release(versions.parse "4.6.0+glitch"), nil)

-- ---- what units run ----

local function exec(text) return "{ path=" .. text:match("^%S+") .. " ; argv[]=" .. text .. " ; ignore_errors=no ; start_time=[n/a] ; pid=7 }" end
local USUAL = ":/usr/local/bin:/usr/bin:/bin"
-- ExecStart of the web, of streaming, PATH of the unit, of the process, of the fleet file; manager, PATH
for _, case in ipairs {
	{ "/home/mastodon/.rbenv/shims/bundle exec puma -C config/puma.rb", "/usr/bin/node ./streaming", nil, "/home/mastodon/.rbenv/versions/3.4.7/bin:/usr/bin", nil,
		"rbenv", "/home/mastodon/.rbenv/shims:/home/mastodon/.rbenv/bin" .. USUAL },
	{ "/usr/local/rbenv/shims/bundle exec puma", "/usr/local/bin/node ./streaming", nil, nil, nil, "rbenv", "/usr/local/rbenv/shims:/usr/local/rbenv/bin" .. USUAL },
	{ "/home/m/.asdf/shims/bundle exec puma", "/home/m/.asdf/shims/node ./streaming", nil, nil, nil, "asdf", "/home/m/.asdf/shims:/home/m/.asdf/bin" .. USUAL },
	{ "/home/m/.local/share/mise/shims/bundle exec puma", "/usr/bin/node ./streaming", nil, nil, nil, "mise", "/home/m/.local/share/mise/shims:/home/m/.local/bin" .. USUAL },
	{ "/usr/bin/bundle exec puma", "/usr/bin/node ./streaming", nil, nil, nil, "fixed", USUAL:sub(2) },
	{ "/opt/ruby-3.4/bin/bundle exec puma", "/opt/node/bin/node ./streaming", nil, nil, nil, "fixed", "/opt/ruby-3.4/bin:/opt/node/bin" .. USUAL },
	{ "/home/m/.rbenv/versions/3.4.7/bin/bundle exec puma", "/usr/bin/node ./streaming", nil, nil, nil, "fixed", "/home/m/.rbenv/versions/3.4.7/bin" .. USUAL },
	{ "/home/mastodon/.rbenv/shims/bundle exec puma", "/home/mastodon/.nvm/versions/node/v24.16.0/bin/node ./streaming", nil, nil, nil,
		"rbenv", "/home/mastodon/.rbenv/shims:/home/mastodon/.rbenv/bin:/home/mastodon/.nvm/versions/node/v24.16.0/bin" .. USUAL },
	{ "/bin/bash -lc \"exec bundle exec puma\"", "/usr/bin/env node ./streaming", nil, "/home/m/.asdf/installs/ruby/3.4.7/bin:/home/m/.asdf/shims:/home/m/n/bin:/usr/sbin:/usr/bin", nil,
		"asdf", "/home/m/.asdf/shims:/home/m/.asdf/bin:/home/m/n/bin" .. USUAL },
	{ "/home/m/.rbenv/bin/rbenv exec bundle exec puma", "/usr/bin/node ./streaming", nil, nil, nil, "rbenv", "/home/m/.rbenv/shims:/home/m/.rbenv/bin" .. USUAL },
	{ "/usr/bin/mise x -- bundle exec puma", "/usr/bin/node ./streaming", nil, nil, nil, "mise", "/home/mastodon/.local/share/mise/shims:/home/mastodon/.local/bin" .. USUAL },
	{ "/usr/local/bin/chruby-exec 3.4 -- bundle exec puma", "/usr/bin/node ./streaming", nil, "/opt/rubies/ruby-3.4.7/bin:/usr/bin", nil, "fixed", "/opt/rubies/ruby-3.4.7/bin" .. USUAL },
	{ "/usr/bin/env bundle exec puma", "/usr/bin/node ./streaming", "/srv/ruby/bin:/usr/bin", "/x/bin", nil, "fixed", "/srv/ruby/bin" .. USUAL },
	{ "/bin/sh -c '/home/m/.rbenv/shims/bundle exec puma'", "/usr/bin/node ./streaming", nil, nil, "/opt/pg17/bin:/opt/x/bin", "rbenv",
		"/opt/pg17/bin:/opt/x/bin:/home/m/.rbenv/shims:/home/m/.rbenv/bin" .. USUAL },
} do
	local units = { web = { kind = "web", exec = exec(case[1]), active = "active" }, streaming = { kind = "streaming", exec = exec(case[2]) } }
	local paths = { web = { path = case[3], process = case[4] }, streaming = { process = case[4] } }
	local found = runtime.find(units, paths, case[5], "/home/mastodon/.rbenv")
	same(case[1] .. ": manager", found.manager, case[6])
	same(case[1] .. ": PATH", found.path, case[7])
end
same("without units", runtime.find({}, {}, "", "/home/m/.rbenv").path, "/home/m/.rbenv/shims:/home/m/.rbenv/bin" .. USUAL)
same("the one that runs", runtime.find({ a = { kind = "web", exec = exec "/old/bin/bundle exec puma", active = "inactive" },
	b = { kind = "web", exec = exec "/new/bin/bundle exec puma", active = "active" } }, {}, "", "/r").path, "/new/bin" .. USUAL)
for _, case in ipairs { { "3.3.8", true }, { "3.1.2", false }, { "3.5.0", false }, { "3.2.0", true } } do
	same("range " .. case[1], runtime.in_range(versions.compare, case[1], ">= 3.2.0, < 3.5.0"), case[2])
end
same("no range", runtime.in_range(versions.compare, "1.0", nil), true)

-- ---- programs ----

local function programs(target, facts)
	for name, value in pairs { node = "24.1", vips = "8.16", ffmpeg = "7.1.1", corepack = "yes" } do facts[name] = facts[name] or value end
	return table.concat(versions.host_problems(versions.parse(target), facts), "; ")
end
same("all is there", programs("4.6.5", {}), "")
same("a version that is no number is not “not installed”", programs("4.6.5", { ffmpeg = "?", vips = "?" }), "")
assert(programs("4.6.5", { ffmpeg = "" }):find("FFmpeg is not installed; at least 5.1", 1, true))
assert(programs("4.6.5", { ffmpeg = "4.4.2" }):find("FFmpeg 4.4.2 is too old", 1, true))
assert(programs("4.6.5", { corepack = "" }):find("corepack is not there, without it the yarn that 4.6 wants cannot be had", 1, true))
same("yarn 1 needs none", programs("4.2.29", { corepack = "" }), "")

-- ---- sizes, and what the database says of the code ----

local state, environment
package.loaded.mastodon = { sql = function() return { environment } end, migrations = function() return state end }
local preflight = require "preflight"
for kb, want in pairs { [0] = "0 KiB", [512] = "512 KiB", [1024] = "1.0 MiB", [524288] = "512.0 MiB", [1048576] = "1.0 GiB", [1572864] = "1.5 GiB" } do same(kb, preflight.size(kb), want) end
local function said(code, down, lost, where)
	state, environment = { down = down, lost = lost }, where or "production"
	return table.concat(preflight.schema_warnings(nil, { first = "a", from = "4.5.15", goal = { version = "4.6.5" },
		hosts = { a = { git = { version = code }, tree = { brings = "20260101000000 20260102000000" } } } }), "\n")
end
same("all is well", said("4.5.15", {}, {}), "")
assert(said("4.5.15", {}, {}, "development"):find("“development”, not production", 1, true))
assert(said("4.5.15", { "1 A", "2 B" }, {}):find("never done: 2 (1 A, 2 B)", 1, true))
assert(said("4.5.15", {}, { "20260101000000", "20990101000000" }):find("the database has 1 migration of 4.6.5 already", 1, true))
assert(said("4.5.15", {}, { "20260101000000", "20990101000000" }):find("nor of what it goes to: 1 (the newest is 20990101000000)", 1, true))
assert(not said("4.5.15", {}, { "20260101000000" }):find("newer than the code", 1, true))
same("the code is the new one already", said("4.6.5", { "1 A" }, {}), "")
print "ok"
