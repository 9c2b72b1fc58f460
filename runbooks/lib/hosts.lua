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

return M
