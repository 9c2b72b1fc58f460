-- services.lua - Mastodon's services: do they run and answer, restart, and wait until they work. SPDX-License-Identifier: GPL-3.0-or-later
local counted = require "counted"
local hosts = require "hosts"
local mastodon = require "mastodon"
local pages = require "pages"
local units = require "units"
local M = {}

-- Nothing of Mastodon runs on the host, or nothing of one kind, whatever units it has by now.
function M.is_stopped(s, host, kind)
	local found = units.look(host, mastodon.live(s), mastodon.named_units(s))
	for _, unit in pairs(found.units) do
		if (not kind or unit.kind == kind) and units.is_up(unit) then return false end
	end
	for _, p in ipairs(found.processes) do
		if (not kind or p.kind == kind) and p.ours then return false end
	end
	return true
end

-- ---- what the journal says ----

-- The application's own lines of a journal's text, and at which of them systemd began to start a unit: its words about it are left out.
function M.own_lines(text)
	local list, starts = {}, {}
	for _, line in ipairs(lines(text)) do
		local who, words = line:match("^%u%l%l [ %d]%d [%d:]+ %S+ ([^%s:]+): ?(.*)$")
		if who and who:find("^systemd%[") then
			if words:find("^Start") then starts[#starts + 1] = #list + 1 end
		elseif trim(words or line) ~= "" and not line:find("^%-%- ") then
			list[#list + 1] = words or line
		end
	end
	return list, starts
end

local function journal(host, names, since)
	local which = {}
	for _, name in ipairs(names) do which[#which + 1] = "-u " .. q(name) end
	return mastodon.root_read(host, ("LC_ALL=C journalctl --no-pager %s %s -n 400 -o short 2>/dev/null"):format(table.concat(which, " "),
		since and "--since @" .. since or ""), { check = false }).out
end

-- What the lines from `from` to `to` say of a failure: the words, and where they stand; nil when none of them names an error.
local function error_in(list, from, to)
	-- Without an error the cause is the last paragraph.
	local words = cause(table.concat(list, "\n", from, to) .. "\n\n-", "")
	if words == "-" then return nil end
	local first = words:match("^[^\n]+"):gsub("%.%.%.$", "")
	for i = from, to do
		if list[i]:find(first, 1, true) then return first, i end
	end
	return first, from
end

-- The same of a unit's own lines, from where the failure begins: at a start. since: these are the lines since it was started anew, and the first
-- try that failed counts. Else the last one; and what has run for long and fails now says it last.
local function failure_in(list, starts, since)
	local words, at
	for i = 1, #starts do
		local k = since and i or #starts + 1 - i
		if not words then words, at = error_in(list, starts[k], (starts[k + 1] or #list + 1) - 1) end
	end
	if not words and since then words, at = error_in(list, 1, #list) end
	for i = #list, 1, -1 do
		if not words then words, at = error_in(list, i, i) end
	end
	if words then return words, at end
	return list[#list] and trim(list[#list]) or "nothing", math.max(1, #list - 7)
end

-- Of a journal's text the lines from where the failure begins; without an error its end. since: they are those since a restart.
function M.excerpt(text, since)
	local list, starts = M.own_lines(text)
	local _, at = failure_in(list, starts, since)
	return #list > 0 and table.concat(list, "\n", at, math.min(#list, at + 7)) or "the journal has no line of it"
end

-- The same of what units wrote. since: the seconds of their restart.
function M.log(host, names, since)
	return #names == 0 and "it has no unit" or M.excerpt(journal(host, names, since), since)
end

-- Why a unit does not stay up: what the application said first, then what it said after it.
function M.failure(host, name, state, since)
	local list, starts = M.own_lines(journal(host, { name }, since))
	local what = state.active == "failed" and ("systemd gave up on it (result %s)"):format(state.result)
		or ("it dies and is started again, %s so far"):format(counted(state.restarts or 0, "time"))
	local first, at = failure_in(list, starts, since)
	return ("%s: %s does not stay up: %s. It said: %s%s"):format(host, name, what, first:sub(1, 300),
		#list > at and "\n" .. table.concat(list, "\n", at + 1, math.min(#list, at + 6)) or "")
end

-- ---- state ----

-- Unit → { active, sub, pid, restarts, invocation, result, stale }, in one look.
function M.state(host, names)
	local list, quoted = {}, {}
	for i, name in ipairs(names) do quoted[i] = q(name .. ".service") end
	local out = mastodon.root_read(host, "systemctl show -p Id -p ActiveState -p SubState -p MainPID -p NRestarts -p InvocationID -p Result -p NeedDaemonReload -p StateChangeTimestamp "
		.. table.concat(quoted, " ")).out
	for _, block in ipairs(M.blocks(out)) do
		local one = {}
		for _, line in ipairs(lines(block)) do
			local key, value = line:match("^(%w+)=(.*)$")
			if key == "Id" then list[value:gsub("%.service$", "")] = one end
			local name = ({ ActiveState = "active", SubState = "sub", InvocationID = "invocation", Result = "result", NeedDaemonReload = "stale", StateChangeTimestamp = "since" })[key]
			if name then one[name] = value end
			if key == "MainPID" then one.pid = tonumber(value) end
			if key == "NRestarts" then one.restarts = tonumber(value) or 0 end
		end
	end
	return list
end

-- What starts a unit again once it was stopped (systemd's TriggeredBy: its socket, at the next request; a path, a timer): unit → { {name, active, enabled} … }.
local function wakers(host, names)
	local map, all, known = {}, {}, {}
	if #names == 0 then return map end
	local quoted = {}
	for i, name in ipairs(names) do quoted[i] = q(name .. ".service") end
	local function blocks_of(properties, of)
		return M.blocks(mastodon.root_read(host, ("systemctl show %s %s"):format(properties, table.concat(of, " ")), { check = false }).out)
	end
	for _, block in ipairs(blocks_of("-p Id -p TriggeredBy", quoted)) do
		local unit, list = (block:match("Id=([^\n]*)") or ""):gsub("%.service$", ""), {}
		for name in (block:match("TriggeredBy=([^\n]*)") or ""):gmatch("%S+") do
			list[#list + 1] = name
			all[#all + 1] = q(name)
		end
		if #list > 0 then map[unit] = list end
	end
	for _, block in ipairs(#all > 0 and blocks_of("-p Id -p ActiveState -p UnitFileState", all) or {}) do
		known[block:match("Id=([^\n]*)") or ""] = { active = block:find("ActiveState=active", 1, true) ~= nil, enabled = block:find("UnitFileState=enabled", 1, true) ~= nil }
	end
	for unit, list in pairs(map) do
		for i, name in ipairs(list) do list[i] = { name = name, active = (known[name] or {}).active, enabled = (known[name] or {}).enabled } end
		map[unit] = list
	end
	return map
end

-- The commands that stop the units of these kinds on every host, and before each what would start it again: { {host, command} … }, all looked up
-- before the first of them runs.
function M.stops(s, site, kinds)
	local plan = {}
	for _, kind in ipairs(kinds) do
		for _, host in ipairs(mastodon.hosts_with(s, site, kind)) do
			local names = mastodon.units(site, host, kind)
			local by = wakers(host, names)
			for _, name in ipairs(names) do
				local list = {}
				for _, one in ipairs(by[name] or {}) do
					if one.active then list[#list + 1] = q(one.name) end
					if one.active and not one.enabled then
						s:warn(("%s: %s starts %s again, so it is stopped, too. It is not enabled: start it by hand once the site is up again."):format(host, one.name, name))
					end
				end
				list[#list + 1] = q(name)
				plan[#plan + 1] = { host, "systemctl stop " .. table.concat(list, " ") }
			end
		end
	end
	return plan
end

function M.stop(plan)
	for _, one in ipairs(plan) do mastodon.root_run(one[1], one[2]) end
end

-- Unit → shell text before its start: what was stopped with it is started again first; "" where there is nothing of the kind.
function M.waking(host, names)
	local by, texts = wakers(host, names), {}
	local state = next(by) and M.state(host, names) or {}
	for _, name in ipairs(names) do
		local list = {}
		for _, one in ipairs(by[name] or {}) do
			if one.enabled and not one.active and not units.is_up(state[name] or {}) then list[#list + 1] = q(one.name) end
		end
		texts[name] = #list > 0 and ("systemctl start %s && "):format(table.concat(list, " ")) or ""
	end
	return texts
end

-- Shell text that does it (how: "restart", "reload", "start"), with what waking gave before it.
function M.start_cmd(name, waking, how)
	return ("%ssystemctl %s %s"):format(waking[name], how, q(name))
end

-- Units of a host, one after the other. waking: made before, for all that is started with them.
function M.restart(host, names, waking)
	for _, name in ipairs(names) do
		mastodon.root_run(host, M.start_cmd(name, waking, "restart"))
	end
end

-- Everything of Mastodon that runs, in words.
function M.running(s)
	local by_host, list = hosts.on_all(s, function(host)
		local found, own = units.look(host, mastodon.live(s), mastodon.named_units(s)), {}
		for name, unit in pairs(found.units) do
			if units.is_up(unit) then own[#own + 1] = ("%s: %s is %s"):format(host, name, unit.active) end
		end
		for _, p in ipairs(found.processes) do
			if p.ours and not p.unit and not p.helper_of then own[#own + 1] = ("%s: pid %d of %s: %s"):format(host, p.pid, p.user, p.args) end
		end
		table.sort(own)
		return own
	end), {}
	for _, host in ipairs(s:all "app") do
		for _, text in ipairs(by_host[host]) do list[#list + 1] = text end
	end
	return list
end

-- Parts of a text that empty lines divide.
function M.blocks(text)
	local list = {}
	for block in (text .. "\n\n"):gmatch("(.-)\n\n+") do
		if trim(block) ~= "" then list[#list + 1] = block end
	end
	return list
end

-- The units that a name stands for: itself, or the instances of a group (mastodon-streaming).
local function members(site, host, name)
	local list = {}
	for other, unit in pairs(site.hosts[host].units) do
		if unit.whole == name and (units.is_up(unit) or unit.runs) then list[#list + 1] = other end
	end
	table.sort(list)
	return #list > 0 and list or { name }
end

-- A unit whose file was changed on disk would be started as it was before. reads: made before, so that what is changed is listed whole.
local function reload_units(host, state)
	for _, one in pairs(state) do
		if one.stale == "yes" then
			mastodon.root_run(host, "systemctl daemon-reload")
			return
		end
	end
end

-- What units do now, in words.
local function states_text(names, state)
	local list = {}
	for i, name in ipairs(names) do
		local one = state[name] or {}
		list[i] = ("%s is %s (%s)"):format(name, one.active or "gone", one.sub or "?")
	end
	return table.concat(list, ", ")
end

-- Waits until answers() is true, and no longer when the unit is given up by systemd or dies again and again: then it fails with what the
-- application said. (A wait that is only foreseen counts as fulfilled.)
function M.await(host, names, since, times, what, answers)
	local broken, base = nil, {}
	local ok, why = pcall(retry, { times = times, every = "1s", waiting = ("for %s on %s to work"):format(table.concat(names, ", "), host), what = what }, function()
		if answers() then return true end
		local state = M.state(host, names)
		for _, name in ipairs(names) do
			local one = state[name] or {}
			base[name] = base[name] or one.restarts or 0
			if one.active == "failed" or (one.restarts or 0) >= base[name] + 3 then
				broken = M.failure(host, name, one, since)
				return true
			end
		end
		return false, states_text(names, state)
	end)
	if broken then fail(broken) end
	if not ok then
		if type(why) == "table" and (why.kind == "canceled" or why.kind == "foreseen") then error(why, 0) end
		fail(("%s: %s\nIts log since then:\n%s"):format(host, type(why) == "table" and why.text or tostring(why), M.log(host, names, since)))
	end
end

-- ---- the web ----

-- Says a unit nothing of its own to the journal, because its words go elsewhere (StandardOutput=append:…)?
function M.is_mute(host, name) return #M.own_lines(journal(host, { name })) == 0 end

-- After a reload the old process may still answer: only its log tells that new workers are there. Of a mute one the workers' age tells it.
function M.has_booted(host, names, since)
	for _, name in ipairs(names) do
		local log = mastodon.root_read(host, ("journalctl -u %s --since @%s -o cat"):format(q(name), since), { check = false }).out
		if not log:find("Worker %d+ %(PID: %d+%) booted") and not log:find("Use Ctrl%-C to stop") then
			local workers = M.is_mute(host, name) and pages.workers_since(host, { name })
			if not workers or workers < tonumber(since) then return false end
		end
	end
	return true
end

-- The places of one unit of the web; of all when it is not known whose is whose.
local function places_of(s, host, unit)
	local list = {}
	for _, place in ipairs(mastodon.web_places(s, host)) do
		if not place.unit or place.unit == unit then list[#list + 1] = place end
	end
	return #list > 0 and list or mastodon.web_places(s, host)
end

function M.places_text(s, host)
	local list = {}
	for _, place in ipairs(mastodon.web_places(s, host)) do list[#list + 1] = units.place_text(place) end
	return table.concat(list, ", ")
end

local function unit_answers(s, host, unit)
	for _, place in ipairs(places_of(s, host, unit)) do
		if trim(mastodon.page(s, host, "/health", nil, place).out) ~= "OK" then return false end
	end
	return true
end

-- ---- the proxy ----

-- A proxy that was refused by a web leaves it out for a while (nginx: fail_timeout, 10 s), and would have nobody left when the next one goes
-- down too early. Whether it gives a web requests again is looked at: pages that nobody has asked for go through the site's own address, and the
-- web's journal tells which of them it got. Where that cannot be seen, this many seconds are waited (mastodon.settle in the fleet file; 0: none).
local function settle(s) return tonumber((s.fleet.mastodon or {}).settle) or 11 end

local NONCE = "n=bellbook-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \\n'); "

-- Asks for pages of a name of their own: that name; or nil and why nobody could be asked.
local function ask_for_pages(run, address, more, count)
	local cmd = NONCE .. ("for i in $(seq %d); do curl -sS -m 5 -o /dev/null -A bellbook %s%s\"$n-$i\" || e=$?; done; echo \"$n ${e:-0}\"")
		:format(count, more, address)
	local answer = run(cmd)
	local name, failed = answer.out:match("(bellbook%-%x+) (%d+)")
	if not name then return nil, trim(answer.err):sub(1, 200) end
	-- Other answers than none (a page that is not there, a password that is wanted) are the proxy's or the web's: the journal tells.
	if failed ~= "0" then return nil, trim(answer.err):match("[^\n]*$") end
	return name
end

-- Did that web get one of them? It may write that a moment later.
local GOT = "for i in 1 2 3 4 5; do journalctl -u %s --since @%s -o cat 2>/dev/null | grep -q 'path=/%s-' && exit 0; sleep 0.3; done; exit 1"

local function got(one, name, since) return mastodon.root_read(one.host, GOT:format(q(one.unit), since, name), { check = false }).ok end

-- Looks so many times whether the proxy gives a web requests; false and words when that cannot be seen. count: of the site's webs; waits: for it to
-- do so again, a second between two looks.
local function seen_behind_proxy(s, one, count, looks, waits)
	local since = trim(mastodon.root_read(one.host, "date +%s").out)
	local place = places_of(s, one.host, one.unit)[1]
	local own, why = ask_for_pages(function(cmd) return mastodon.read(s, one.host, cmd, { check = false }) end,
		(place.socket and "http://localhost/" or ("http://%s:%d/"):format(place.address, place.port)),
		("%s-H %s -H 'X-Forwarded-Proto: https' "):format(place.socket and "--unix-socket " .. q(place.socket) .. " " or "", q("Host: " .. mastodon.web(s))), 1)
	if not own then return false, "it could not be asked itself: " .. why end
	if not got(one, own, since) then return false, "its journal does not tell which pages it was asked for" end
	local from = mastodon.outside_host(s, s.site)
	local function run(cmd) return from and mastodon.read(s, from, cmd, { check = false }) or here.read(cmd, { check = false }) end
	for i = 1, looks do
		local name, failed = ask_for_pages(run, mastodon.url(s) .. "/", "", 2 * count)
		if name and got(one, name, since) then return true end
		if waits and i < looks then
			sleep("1s", { what = ("waiting for the proxy to send requests to %s on %s again"):format(one.unit, one.host), look = i, of = looks,
				seen = name and "it got none yet" or "the site could not be asked: " .. failed })
		end
	end
	return false, ("none of the requests to %s came to it in %d looks"):format(mastodon.url(s), looks)
end

-- The proxy must give a web its requests again before the next one goes down.
local function wait_for_proxy(s, one, count)
	if settle(s) <= 0 then return end
	local seen, why = seen_behind_proxy(s, one, count, math.max(10, 3 * settle(s)), true)
	if seen then return s:note(("%s on %s works again, and the proxy gives it requests."):format(one.unit, one.host)) end
	s:note(("%s on %s works again. Whether the proxy gives it requests cannot be seen (%s); so the next one waits %d s, as a proxy leaves out who refused it (nginx: fail_timeout).")
		:format(one.unit, one.host, why, settle(s)))
	sleep(settle(s) .. "s", ("waiting for the proxy to send requests to %s again"):format(one.host))
end

-- Before a web goes down: the one before must have its requests again, and another one must answer. Gives "stop" when a person says so.
local function before_taking(s, list, i)
	local one = list[i]
	local up = unit_answers(s, one.host, one.unit)
	if i > 1 and list[i - 1].how == "restart" then wait_for_proxy(s, list[i - 1], #list) end
	if one.how ~= "restart" or not up then return nil end
	local down = {}
	for k, other in ipairs(list) do
		if k ~= i then
			if unit_answers(s, other.host, other.unit) then return nil end
			down[#down + 1] = ("%s on %s does not answer."):format(other.unit, other.host)
		end
	end
	return s:ask { type = "choice", text = ("%s on %s is the last web that answers. Restart it now?"):format(one.unit, one.host),
		details = table.concat(down, "\n") .. "\nWhile it boots nobody answers: members and other servers get errors.",
		choices = { { value = "stop", label = "Stop here, and mend the other first" }, { value = "go", label = "Restart it all the same" } }, default = "stop" }
end

-- Whatever refuses nobody: a restart of those besides which the proxy gives requests to another one, which then has theirs; a reload of the others,
-- whose share waits while they boot. Changes how of each that runs.
local function spare_members(s, list)
	if #list < 2 then return end
	local serves, count, unseen = {}, 0, {}
	for i, one in ipairs(list) do
		local seen, why = seen_behind_proxy(s, one, #list, 3)
		serves[i] = seen
		count = count + (seen and 1 or 0)
		unseen[#unseen + 1] = not seen and ("%s on %s: %s"):format(one.unit, one.host, why) or nil
	end
	for i, one in ipairs(list) do
		if count - (serves[i] and 1 or 0) > 0 then one.how = "restart" end
	end
	if #unseen > 0 then
		s:note("That the proxy gives requests to each web could not be seen, so who would be missed is reloaded: requests to it wait while it boots.\n- "
			.. table.concat(unseen, "\n- "))
	end
end

-- One web process after another: the next only when this one answers. how: "restart"; "reload", which is taken where it can be; or "spare", of these
-- whatever refuses nobody. systemctl reload comes back at once, so only /health tells; requests wait meanwhile.
function M.restart_web(s, site, how)
	local list, state, since, waking = {}, {}, {}, {}
	for _, host in ipairs(mastodon.hosts_with(s, site, "web")) do
		local names = mastodon.units(site, host, "web")
		state[host], waking[host] = M.state(host, names), M.waking(host, names)
		since[host] = trim(mastodon.root_read(host, "date +%s").out)
		for _, name in ipairs(names) do
			local one = state[host][name] or {}
			-- What does not run cannot be reloaded; what runs by an old unit file would go on so.
			local way = how ~= "restart" and one.active == "active" and one.stale ~= "yes" and "reload" or "restart"
			list[#list + 1] = { host = host, unit = name, first = name == names[1], how = way }
		end
	end
	if how == "spare" then spare_members(s, list) end
	for i, one in ipairs(list) do
		if #list > 1 then
			local verdict
			retry({ times = 1, what = "the other webs could not be looked at" }, function()
				verdict = before_taking(s, list, i) or "go"
				return true
			end)
			check(verdict ~= "stop", ("%s on %s was not restarted: no other web answers"):format(one.unit, one.host))
		end
		if one.first then reload_units(one.host, state[one.host]) end
		mastodon.root_run(one.host, M.start_cmd(one.unit, waking[one.host], one.how))
		M.await(one.host, { one.unit }, since[one.host], 90, one.unit .. " does not answer", function()
			return (one.how ~= "reload" or M.has_booted(one.host, { one.unit }, since[one.host])) and unit_answers(s, one.host, one.unit)
		end)
	end
end

-- ---- streaming ----

function M.streaming_places(s, host)
	local list = s.site.hosts[host].streaming
	return list and #list > 0 and list or { { address = "127.0.0.1", port = 4000 } }
end

function M.streaming_answers(s, host, place)
	return trim(mastodon.read(s, host, "curl -sS -m 20 " .. units.curl_place(place, "/api/v1/streaming/health"), { check = false }).out) == "OK"
end

-- Were all processes of streaming that are there now, and there are some, started after that time?
function M.streaming_is_new(s, host, since)
	local found, running = units.look(host, mastodon.live(s), mastodon.named_units(s)), 0
	for _, unit in pairs(found.units) do
		if unit.kind == "streaming" and unit.runs and not units.is_up(unit) then return false end
	end
	for _, p in ipairs(found.processes) do
		if p.kind == "streaming" and p.ours then
			if p.started - 1 <= since then return false end
			running = running + 1
		end
	end
	return running > 0
end

function M.restart_streaming(s, site)
	each(mastodon.hosts_with(s, site, "streaming"), function(host)
		local names = mastodon.units(site, host, "streaming")
		local state, since, waking = M.state(host, names), trim(mastodon.root_read(host, "date +%s").out), M.waking(host, names)
		reload_units(host, state)
		M.restart(host, names, waking)
		local all = {}
		for _, name in ipairs(names) do
			for _, member in ipairs(members(site, host, name)) do all[#all + 1] = member end
		end
		M.await(host, all, since, 60, "streaming does not answer everywhere", function()
			for _, place in ipairs(M.streaming_places(s, host)) do
				if not M.streaming_answers(s, host, place) then return false end
			end
			return true
		end)
	end)
end

-- ---- before the walk ----

local function who(host, p)
	local where = p.group:match("^user:(.+)$")
	return ("%s: pid %d of %s: %s (%s)"):format(host, p.pid, p.user, p.args, where and "in " .. where .. " of that user's own systemd"
		or p.group:match("%.scope$") and "in a login, " .. p.group or "in no unit")
end

-- Processes of this Mastodon that no unit carries: nothing here could stop or start them, and they would go on with the old code.
function M.strays(s, site)
	local list = {}
	for _, host in ipairs(s:all "app") do
		for _, p in ipairs(site.hosts[host].processes or {}) do
			if p.ours and not p.unit and not p.helper_of then list[#list + 1] = who(host, p) end
		end
	end
	return list
end

-- The state of a unit that is given up, or was started again and again by systemd or since that look; nil for one that only does not answer.
local function died_again(host, name, unit)
	local now = M.state(host, { name })[name] or unit
	if now.active == "failed" or now.sub == "auto-restart" or (now.restarts or 0) >= 3 or (now.restarts or 0) > (unit.restarts or 0) then return now end
end

local BOOTS = 12	-- seconds in which a web boots, or fails to

-- What does not run or answer as it should on a host, in words with what the journal says.
local function host_problems(s, site, host)
	local problems, h = {}, site.hosts[host]
	local function add(text, ...) problems[#problems + 1] = host .. ": " .. text:format(...) end
	for _, kind in ipairs { "web", "sidekiq", "streaming" } do
		for _, whole in ipairs(mastodon.units(site, host, kind)) do
			for _, name in ipairs(members(site, host, whole)) do
				local unit = h.units[name]
				if units.is_up(unit) and unit.load == "masked" then
					add("%s is masked and still runs: once stopped it could not be started again (systemctl unmask %s, or stop it for good)", name, name)
				elseif units.is_up(unit) and unit.load == "not-found" then
					add("%s still runs, but the file of the unit is gone: it could not be started again. Put the file back and run systemctl daemon-reload, or stop it", name)
				elseif unit.active == "failed" or unit.sub == "auto-restart" then
					problems[#problems + 1] = M.failure(host, name, unit)
				end
			end
		end
	end
	-- Whoever is given up, or was between two starts at the first look, is named above.
	local function silent(place, answers, what, names)
		local unit = place.unit and h.units[place.unit]
		if unit and (not units.is_up(unit) or unit.sub == "auto-restart") then return end
		local ok, said = answers(place)
		local now = not ok and unit and died_again(host, place.unit, unit)
		-- Whoever boots will answer, or die: until then a look tells neither.
		for i = 1, unit and BOOTS or 0 do
			if ok or now then break end
			sleep("1s", { what = ("waiting for %s on %s to answer, or to die"):format(place.unit, host), look = i, of = BOOTS })
			ok, said = answers(place)
			now = not ok and died_again(host, place.unit, unit)
		end
		if ok then return end
		if now then
			problems[#problems + 1] = M.failure(host, place.unit, now)
		else
			add("%s at %s does not answer%s. Its log says:\n%s", what, units.place_text(place), said, M.log(host, unit and { place.unit } or names))
		end
	end
	if #mastodon.units(site, host, "web") > 0 then
		for _, place in ipairs(mastodon.web_places(s, host)) do
			silent(place, function()
				local answer = mastodon.page(s, host, "/health", nil, place)
				return trim(answer.out) == "OK", (" /health with OK (%s)"):format(trim(answer.err .. " " .. answer.out):sub(1, 120))
			end, "the web", mastodon.units(site, host, "web"))
		end
	end
	if #mastodon.units(site, host, "streaming") > 0 then
		for _, place in ipairs(M.streaming_places(s, host)) do
			silent(place, function() return M.streaming_answers(s, host, place), "" end, "streaming", members(site, host, mastodon.units(site, host, "streaming")[1]))
		end
	end
	return problems
end

-- Everything that is wrong with what runs, on all hosts.
function M.problems(s, site)
	local by_host = hosts.ask_all(s, function(host) return host_problems(s, site, host) end)
	local problems = {}
	for _, host in ipairs(s:all "app") do
		for _, text in ipairs(by_host[host]) do problems[#problems + 1] = text end
	end
	return problems
end

-- Units that are enabled and were stopped by somebody: whether they are to run is asked, once. which: the release, in words.
function M.ask_about_idle(s, site, which)
	for _, host in ipairs(s:all "app") do
		for _, kind in ipairs { "web", "sidekiq", "streaming" } do
			for _, name in ipairs(mastodon.units(site, host, kind)) do
				local unit = site.hosts[host].units[name]
				if unit.active == "inactive" and not site.on[host .. " " .. name] then
					local answer = s:ask { type = "choice", text = ("%s on %s is enabled, but somebody stopped it. What is to become of it?"):format(name, host),
						choices = { { value = "stop", label = "Stop here: it should run, I look into it",
							stops = ("%s on %s is enabled and does not run. Nothing was changed"):format(name, host) },
							{ value = "off", label = "Leave it off", help = "It is not started, and nobody looks for it." },
							{ value = "on", label = ("Start it with the %s release"):format(which or "new"), help = "After a full stop that was not finished, say." } }, default = "stop" }
					site[answer][host .. " " .. name] = true
				end
			end
		end
	end
	M.apply_off(site)
end

-- What a person said is to stay off does not count.
function M.apply_off(site)
	for host, h in pairs(site.hosts) do
		for name, unit in pairs(h.units) do
			if site.off[host .. " " .. name] then unit.runs = false end
		end
	end
end

-- Units that are left alone, in words.
function M.resting(s, site)
	local list = {}
	for _, host in ipairs(s:all "app") do
		local names = {}
		for name in pairs(site.hosts[host].units) do names[#names + 1] = name end
		table.sort(names)
		for _, name in ipairs(names) do
			local unit = site.hosts[host].units[name]
			if not unit.runs and unit.load ~= "not-found" and not (unit.whole and site.hosts[host].units[unit.whole]) then
				list[#list + 1] = ("%s: %s is %s and off: it stays off."):format(host, name, unit.enabled ~= "" and unit.enabled or unit.load)
			end
		end
	end
	return list
end

return M
