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

function helpers.q(text)
	return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

-- Tries fn until it returns something true; a person's stop is not tried again.
function helpers.retry(opts, fn)
	local times, why = opts.times or 5, nil
	for i = 1, times do
		local ok, result = pcall(fn, i)
		if ok and result then return result end
		if not ok and type(result) == "table" and result.kind == "canceled" then error(result, 0) end
		why = ok and "there was no result" or result
		if i < times then sleep(opts.every or "2s") end
	end
	if type(why) == "table" then error(why, 0) end
	error(string.format("%s (tried %d times, every %s): %s", opts.what or "it did not come true", times, opts.every or "2s", tostring(why)), 0)
end

return helpers
