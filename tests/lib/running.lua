-- running.lua - tests: which version runs, when the webs of several hosts do not say the same, and when one has just been started. Run as: lua5.4 running.lua RUNBOOKS/LIB
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q lines trim check same verdict sleep
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
function check(ok, text) if not ok then error({ text = text }, 0) end return ok end

local webs, slept	-- host → { says, healthy, states = { one a look, the last stays } }; how often it was waited, and with what words

package.loaded.pages = { workers_since = function(host) return webs[host].started or 2000 end }
for _, name in ipairs { "elsewhere", "hosts", "places", "proof", "settings", "sidekiq" } do package.loaded[name] = {} end
package.loaded.mastodon = {
	units = function(_, host) return webs[host] and { "mastodon-web" } or {} end,
	running_version = function(_, host) return webs[host].healthy and webs[host].says or nil end,
	is_healthy = function(_, host) return webs[host].healthy end,
	page = function() return { out = "500" } end,
	hosts_with = function(s)
		local list = {}
		for _, host in ipairs(s:all "app") do list[#list + 1] = webs[host] and host end
		return list
	end,
	code_since = function() return 1000 end,
}
package.loaded.services = { state = function(host)
	local one = webs[host]
	return { ["mastodon-web"] = #one.states > 1 and table.remove(one.states, 1) or one.states[1] }
end }
function sleep(time, wait)
	assert(time == "1s" and wait.look and wait.of)
	slept[#slept + 1] = wait.what
	for _, one in pairs(webs) do one.healthy = one.healthy or one.boots == #slept end
end
local preflight = require "preflight"

-- The version, what was warned of, and how often it was waited.
local function runs(hosts)
	local said, order = {}, {}
	webs, slept = hosts, {}
	for host, one in pairs(hosts) do
		order[#order + 1] = host
		one.states = one.states or { { active = "active", sub = "running", restarts = 0 } }
	end
	order[#order + 1] = "app9"	-- without a web
	table.sort(order)
	local site = { first = "app1", hosts = {} }
	for _, host in ipairs(order) do site.hosts[host] = { code = "4.5.15", tag = "x", units = {} } end
	site.pg, site.db_kb, site.redis_version, site.schema = "15", 1, "7", 1
	local s = { site = site, fleet = { mastodon = {} }, all = function() return order end, note = function() end, warn = function(_, text) said[#said + 1] = text end }
	site.from = preflight.running(s, site)
	preflight.tell(s)
	-- Looked at again it is neither waited for nor told once more.
	local times, words = #slept, #said
	same("again", preflight.running(s, site), site.from)
	same("again: waits", #slept, times)
	same("again: words", #said, words)
	return site.from, table.concat(said, "\n"), times
end

local function case(what, hosts, version, warning, waits)
	local from, said, times = runs(hosts)
	same(what, from, version)
	same(what .. ": waits", times, waits or 0)
	if warning then same(what .. ": " .. warning, said:find(warning, 1, true) and warning or said, warning) else same(what .. ": warns of nothing", said, "") end
end

case("one", { app1 = { says = "4.5.15", healthy = true } }, "4.5.15")
case("two that agree", { app1 = { says = "4.5.15", healthy = true }, app2 = { says = "4.5.15", healthy = true } }, "4.5.15")
case("two that do not", { app1 = { says = "4.5.15", healthy = true }, app2 = { says = "4.6.5", healthy = true } }, "4.5.15",
	"The webs do not run one version: app1 says 4.5.15, app2 says 4.6.5.")
case("two that say the same, and one was started before the code came", { app1 = { says = "4.5.15", healthy = true }, app2 = { says = "4.5.15", healthy = true, started = 900 } }, "4.5.15",
	"The webs do not run one version: the one on app2 was started before the code that lies there came, the one on app1 after it;")
case("both before it", { app1 = { says = "4.5.15", healthy = true, started = 900 }, app2 = { says = "4.5.15", healthy = true, started = 900 } }, "4.5.15")
case("two on one host", { app1 = { says = "4.5.15 and 4.6.5", healthy = true } }, "4.5.15", "app1 says 4.5.15 and 4.6.5.")
case("a fork's on one of them", { app1 = { says = "4.5.15", healthy = true }, app2 = { says = "4.5.15+ours", healthy = true } }, "4.5.15", "app2 says 4.5.15+ours")
case("one that boots", { app1 = { says = "4.5.15", boots = 3 } }, "4.5.15", nil, 3)
case("one of two boots", { app1 = { says = "4.5.15", healthy = true }, app2 = { says = "4.5.15", boots = 2 } }, "4.5.15", nil, 2)
case("stopped", { app1 = { states = { { active = "inactive", sub = "dead", restarts = 0 } } } }, "4.5.15", "No web process answers (app1: mastodon-web is inactive)")
case("given up", { app1 = { states = { { active = "failed", sub = "failed", restarts = 5 } } } }, "4.5.15", "No web process answers (app1: mastodon-web is failed)")
case("it dies again", { app1 = { states = { { active = "active", sub = "running", restarts = 1 }, { active = "active", sub = "running", restarts = 2 } } } }, "4.5.15",
	"No web process answers (app1: mastodon-web is active)", 1)
case("it has died again and again", { app1 = { states = { { active = "active", sub = "running", restarts = 7 } } } }, "4.5.15", "No web process answers", 0)
case("up, and silent", { app1 = {} }, "4.5.15", "No web process answers (app1: mastodon-web is active)", 11)
case("it lives and does not tell", { app1 = { healthy = true } }, "4.5.15", "The web answers, but does not say its version (app1: /api/v2/instance answers 500)")
verdict()
