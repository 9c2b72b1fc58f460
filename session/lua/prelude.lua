-- prelude.lua - the helpers of runbooks that need no C. SPDX-License-Identifier: GPL-3.0-or-later
local sleep = ...
local helpers = {}

function helpers.check(ok, text)
	if not ok then error(text or "check failed", 0) end
	return ok
end

function helpers.fail(text)
	error(text, 0)
end

function helpers.trim(text)
	return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

function helpers.lines(text)
	local list = {}
	for line in text:gmatch("[^\r\n]+") do list[#list + 1] = line end
	return list
end

-- What has no value becomes no text: `rm -rf nil/tmp` would be run.
local function refuse(level, who, value)
	if value == nil then error(who .. " got nil: there is no value to put into the text", level + 1) end
	if type(value) == "string" or type(value) == "number" then return end
	if type(value) == "userdata" and tostring(value):find("^%[secret ") then
		error("a secret cannot be put into a text: pass it as env = { NAME = secret }, stdin = secret or sudo_password = secret, and use \"$NAME\" in the command", level + 1)
	end
	if type(value) ~= "boolean" then error(("%s got a %s, which is no text"):format(who, type(value)), level + 1) end
end

-- Within format, %s of nil is an error as in "a" .. nil.
local format = string.format
function string.format(text, ...)
	for i = 1, select("#", ...) do refuse(2, "format", (select(i, ...))) end
	return format(text, ...)
end

function helpers.q(text)
	refuse(2, "q", text)
	return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local TIMES_MAX = 1000000

-- What a person is told of a result that was not what is waited for: its first line.
local function in_words(why)
	local text = type(why) == "table" and why.text or tostring(why)
	return tostring(text):match("[^\r\n]+") or ""
end

-- The error of the last try, and that it was the last of many.
local function add_count(why, times)
	if times > 1 and type(why.text) == "string" then
		local first, rest = why.text:match("^([^\n]*)(.*)$")
		why.text = format("%s (tried %d times)%s", first, times, rest)
	end
	return why
end

-- Tries fn until it returns something true; a second value says what it saw instead. A person's stop is not tried again.
-- waiting: "for the web to answer"; what: the words when it never came true.
function helpers.retry(opts, fn)
	local times, why = math.tointeger(opts.times or 5), nil
	local waits = opts.waiting and "waiting " .. opts.waiting or opts.what and "trying again: " .. opts.what or "trying again"
	if not times or times < 1 or times > TIMES_MAX then
		error(("retry: times must be a whole number from 1 to %d, not %s"):format(TIMES_MAX, tostring(opts.times)), 0)
	end
	for i = 1, times do
		local ok, result, seen = pcall(fn, i)
		if ok and result then return result end
		-- Looking ahead, behind the first change: what is waited for is taken for granted, and what comes then is foreseen.
		if not ok and type(result) == "table" and result.kind == "foreseen" then
			sleep("0s", { unless = opts.what or "what it waits for does not come true" })
			return true
		end
		if not ok and type(result) == "table" and result.kind == "canceled" then error(result, 0) end
		why = ok and (seen or "there was no result") or result
		if i < times then sleep(opts.every or "2s", { what = waits, look = i, of = times, seen = (not ok or seen) and in_words(why) or nil }) end
	end
	if type(why) == "table" then error(add_count(why, times), 0) end
	error(format("%s (tried %d times, every %s): %s", opts.what or "it did not come true", times, opts.every or "2s", tostring(why)), 0)
end

return helpers
