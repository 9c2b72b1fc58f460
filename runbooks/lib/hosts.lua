-- hosts.lua - lists of hosts. SPDX-License-Identifier: GPL-3.0-or-later
local M = {}

-- Names with blanks or commas between them; a role stands for its hosts. Each host once, in the order given.
function M.named(s, text)
	local list, seen = {}, {}
	for name in text:gmatch("[^%s,]+") do
		for _, host in ipairs(s.fleet.roles[name] or { name }) do
			if not seen[host] then
				seen[host] = true
				list[#list + 1] = host
			end
		end
	end
	check(#list > 0, "no host is named")
	return list
end

-- Runs fn on every app host, some at a time.
function M.on_all(s, fn) return each(s:all "app", fn, { at_once = 10, stop_after = 1 }) end

-- Asks every app host, and the others too when one fails: what is wrong on each is told together.
function M.ask_all(s, fn) return each(s:all "app", fn, { at_once = 10, stop_after = 100 }) end

-- True when fn is true for every app host.
function M.true_on_all(s, fn)
	for _, yes in pairs(M.on_all(s, function(host) return fn(host) == true end)) do
		if yes ~= true then return false end
	end
	return true
end

-- fn(host) for each, side by side. A failure is said at once, with who is still at work: the others may take long.
function M.each(s, list, fn)
	local at_work = {}
	return each(list, function(host)
		at_work[host] = true
		local ok, result = pcall(fn, host)
		at_work[host] = nil
		if ok then return result end
		-- What was stopped, or is only foreseen, is no failure.
		local kind = type(result) == "table" and result.kind or nil
		if #list > 1 and kind ~= "canceled" and kind ~= "foreseen" then
			local others = {}
			for _, other in ipairs(list) do if at_work[other] then others[#others + 1] = other end end
			local text = type(result) == "table" and result.text or tostring(result)
			s:warn(("It failed on %s%s: %s"):format(host, #others > 0 and ("; %s still at work"):format(table.concat(others, ", ")) or "", text:sub(1, 400)))
		end
		error(result, 0)
	end, { at_once = 10, stop_after = 1 })
end

return M
