-- services.lua - Mastodon's services: restart, and wait until they work. SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local sorted = require "sorted"
local M = {}

function M.is_stopped(_, site, host)
	for name in sorted(site.hosts[host].units) do
		local state = trim(mastodon.root_read(host, "systemctl is-active " .. q(name), { check = false }).out)
		if state == "active" or state == "activating" or state == "deactivating" or state == "reloading" then return false end
	end
	return true
end

-- The last lines that the units of a kind wrote to the journal.
function M.log(host, unit)
	return trim(mastodon.root_read(host, ("journalctl -u '%s*' -n 8 -o cat"):format(unit), { check = false }).out)
end

-- A unit whose file was changed on disk would be started as it was before.
local function reload_units(host, names)
	for _, name in ipairs(names) do
		if trim(mastodon.root_read(host, "systemctl show -p NeedDaemonReload --value " .. q(name)).out) == "yes" then
			mastodon.root_run(host, "systemctl daemon-reload")
			return
		end
	end
end

-- After a reload the old process may still answer: only its log tells that new workers are there.
local function has_booted(host, names, since)
	for _, name in ipairs(names) do
		local log = mastodon.root_read(host, ("journalctl -u %s --since @%s -o cat"):format(q(name), since), { check = false }).out
		if not log:find("Worker %d+ %(PID: %d+%) booted") and not log:find("Use Ctrl%-C to stop") then return false end
	end
	return true
end

-- One web host after another: the next only when this one answers. how: "restart" or "reload".
-- systemctl reload comes back at once, so only /health tells; requests wait meanwhile.
function M.restart_web(s, site, how)
	for _, host in ipairs(mastodon.hosts_with(s, site, "web")) do
		local names = mastodon.units(site, host, "web")
		reload_units(host, names)
		local since = trim(mastodon.root_read(host, "date +%s").out)
		for _, name in ipairs(names) do mastodon.root_run(host, ("systemctl %s %s"):format(how, q(name))) end
		local ok, why = pcall(retry, { times = 90, every = "1s", what = "the web does not answer" }, function()
			return (how ~= "reload" or has_booted(host, names, since)) and mastodon.is_healthy(s, host)
		end)
		if not ok then fail(("%s: %s\nThe end of its log:\n%s"):format(host, tostring(why), M.log(host, "mastodon-web"))) end
	end
end

-- Are the processes others than those of the first look, and all there?
function M.streaming_is_new(_, site, host)
	for name, unit in sorted(site.hosts[host].units) do
		if unit.kind == "streaming" and unit.pid and unit.pid ~= "0" then
			local pid = trim(mastodon.root_read(host, "systemctl show -p MainPID --value " .. q(name)).out)
			if pid == "0" or pid == unit.pid then return false end
		end
	end
	return true
end

function M.restart_streaming(s, site)
	each(mastodon.hosts_with(s, site, "streaming"), function(host)
		local names = mastodon.units(site, host, "streaming")
		reload_units(host, names)
		for _, name in ipairs(names) do mastodon.root_run(host, "systemctl restart " .. q(name)) end
		local port = site.hosts[host].streaming_port or 4000
		retry({ times = 60, every = "1s", what = "streaming does not answer (journalctl -u 'mastodon-streaming*' shows why)" }, function()
			local cmd = ("curl -sS -m 20 http://127.0.0.1:%d/api/v1/streaming/health"):format(port)
			return trim(mastodon.read(s, host, cmd, { check = false }).out) == "OK"
		end)
	end)
end

return M
