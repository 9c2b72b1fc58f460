-- watch.lua - does the world stay as it was while the upgrade goes on? Code, processes and answers of every host, against what is expected.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Between two steps a process may die and be started again by systemd with half-installed new code, and another admin may put other code
-- there. So before each question and each change all of it is looked at and told, with when it happened and what it means for members.
local hosts = require "hosts"
local mastodon = require "mastodon"
local services = require "services"
local sorted = require "sorted"
local units = require "units"
local M = {}

local CODE = [[echo "head=$(git rev-parse HEAD)"
echo "tag=$(git describe --tags --always 2>/dev/null)"
git reflog -1 --date=iso --format='at=%gd%nhow=%gs' HEAD 2>/dev/null | sed 's/^at=.*{\(.*\)}$/at=\1/'
true]]

local function names_of(site, host)
	local list = {}
	for name, unit in sorted(site.hosts[host].units) do
		if unit.runs and unit.type ~= "oneshot" then list[#list + 1] = name end
	end
	return list
end

local function look_at(s, site, host)
	local seen = { units = {}, web = {} }
	for _, line in ipairs(lines(mastodon.read(s, host, CODE).out)) do
		local key, value = line:match("^(%w+)=(.*)$")
		if key then seen[key] = value end
	end
	local names = names_of(site, host)
	if #names > 0 then seen.units = services.state(host, names) end
	if #mastodon.units(site, host, "web") > 0 then
		for _, place in ipairs(mastodon.web_places(s, host)) do
			local answer = mastodon.page(s, host, "/api/v2/instance", "-o /dev/null -w '%{http_code}'", place)
			seen.web[units.place_text(place)] = trim(answer.out)
		end
	end
	return seen
end

-- What is there now: host → { head, tag, at, how, units = { name → state }, web = { place → HTTP status } }.
function M.look(s, site)
	return hosts.ask_all(s, function(host) return look_at(s, site, host) end)
end

local function short(commit) return (commit or "?"):sub(1, 10) end

-- Whose code is not what it was, in words.
function M.code_changes(s, before, now)
	local list = {}
	for _, host in ipairs(s:all "app") do
		local old, new = before[host], now[host]
		if old and new and old.head ~= new.head then
			list[#list + 1] = ("%s: the code was %s (%s) and is %s (%s) since %s (%s), which this walk did not do")
				:format(host, old.tag or "?", short(old.head), new.tag or "?", short(new.head), new.at or "a time that is not known", new.how or "no reason noted")
		end
	end
	return list
end

local function down_words(site, host, kind, status)
	if kind ~= "web" then return kind == "sidekiq" and "Jobs wait until it runs again." or "Open pages get no new posts until it runs again." end
	local others = false
	for other, h in sorted(site.hosts) do
		others = others or other ~= host and h.web and #h.web > 0 or false
	end
	return ("Members and other servers get errors%s%s."):format(others and " from this host" or "", status and " (" .. status .. ")" or "")
end

-- What became of the services, in words. mixed: host → the code that lies there is the new one, not yet whole. Second: members have errors.
function M.service_changes(s, site, before, now, mixed)
	local list, harm = {}, false
	for _, host in ipairs(s:all "app") do
		local old, new = before[host], now[host]
		for name, was in sorted(old and old.units or {}) do
			local is, kind = (new and new.units or {})[name] or {}, (site.hosts[host].units[name] or {}).kind
			if was.active == "active" and is.active ~= "active" then
				harm = harm or kind == "web"
				list[#list + 1] = ("%s: %s does not run any more (%s since %s). %s"):format(host, name, is.active or "gone", is.since or "?", down_words(site, host, kind))
			elseif was.invocation ~= is.invocation or was.pid ~= is.pid then
				harm = harm or (kind == "web" and mixed)
				list[#list + 1] = ("%s: %s was started anew at %s (it was pid %s, now %s; systemd has restarted it %s times). %s"):format(host, name, is.since or "?",
					tostring(was.pid), tostring(is.pid), tostring(is.restarts or 0),
					mixed and "It runs what lies there now: the new release, half-installed." or "It runs the same code as before.")
			end
		end
		for place, status in sorted(old and old.web or {}) do
			local is = (new and new.web or {})[place] or "?"
			if is ~= status and is ~= "200" then
				harm = true
				list[#list + 1] = ("%s: the web at %s answers %s now, and answered %s. %s"):format(host, place, is == "000" and "nothing" or is, status,
					down_words(site, host, "web"))
			end
		end
	end
	return list, harm
end

local HURRY = {
	["two-phase"] = "The shortest way out is to go on to “Restart the web” without a pause; whether Sidekiq's jobs are waited for before or after it, you are asked then.",
	["full-stop"] = "The shortest way out is to go on without a pause: in the full stop the web comes back once everything was stopped and the database migrated." }

-- Before a question: says what changed. True when members have errors.
function M.tell(s)
	if not s.watch then return false end
	local ok, now = pcall(M.look, s, s.site)
	if not ok then
		if type(now) == "table" and now.kind == "canceled" then error(now, 0) end
		s:warn("Whether everything is as before could not be seen: " .. (type(now) == "table" and now.text or tostring(now)))
		return false
	end
	for _, text in ipairs(M.code_changes(s, s.watch, now)) do s:warn(text .. ". Find out who works there before you go on.") end
	local list, harm = M.service_changes(s, s.site, s.watch, now, s.checked_out == true)
	for _, text in ipairs(list) do s:warn(text) end
	if harm and s.checked_out then s:warn(HURRY[s.params.way]) end
	return harm
end

-- Before a change: other code than expected stops it.
function M.demand(s)
	if not s.watch then return end
	local changes = M.code_changes(s, s.watch, M.look(s, s.site))
	if #changes > 0 then
		fail("Somebody else changed the code; nothing of this step was run:\n- " .. table.concat(changes, "\n- ")
			.. "\nTalk to whoever did it, put back what this walk needs (git checkout), then try again.")
	end
end

-- The list and these names, but for those that are in another one.
local function added(list, but, ...)
	local out, has = {}, {}
	for _, name in ipairs(but or {}) do has[name] = true end
	for _, name in ipairs(list or {}) do
		out[#out + 1] = name
		has[name] = true
	end
	for _, name in ipairs { ... } do
		if not has[name] then out[#out + 1] = name end
	end
	return out
end

-- What is expected from now on: the code as the step left it, and of services only those that it was to start anew. What happened to the
-- others while it ran is told before the next question.
local function expected(s, before, after, touches)
	for host, is in pairs(after) do
		local was = (before or {})[host]
		for name, state in pairs(was and was.units or {}) do
			local kind = (s.site.hosts[host].units[name] or {}).kind
			if not touches[kind or ""] then is.units[name] = state end
		end
		if was and not touches.web then is.web = was.web end
	end
	return after
end

-- A step's table, watched: the world is looked at before its question and before its change, and remembered after it.
-- touches: kinds of services that it starts anew or stops. asked: called in `when` with whether members have errors; a text from it is the
-- reason to leave the step out.
function M.over(step, touches, asked)
	local when, run = step.when, step.run
	step.uses, step.gives = added(step.uses, step.gives, "watch", "checked_out"), added(step.gives, nil, "watch")
	step.when = function(s)
		local needed = true
		if when then needed = when(s) end
		if needed ~= true then return needed end
		local harm = M.tell(s)
		local why = asked and asked(s, harm)
		return why or true
	end
	step.run = function(s)
		M.demand(s)
		local result, after = run(s), nil
		retry({ times = 1, what = "what is there now could not be looked at" }, function()
			after = M.look(s, s.site)
			return true
		end)
		if after then s.watch = expected(s, s.watch, after, touches or {}) end
		return result
	end
	return step
end

return M
