-- sorted.lua - pairs() in the order of the keys. SPDX-License-Identifier: GPL-3.0-or-later
--
-- Calls must come in the same order when a step is run again after a crash, and pairs() has no order.
return function(map)
	local keys, i = {}, 0
	for key in pairs(map) do keys[#keys + 1] = key end
	table.sort(keys)
	return function()
		i = i + 1
		return keys[i], map[keys[i]]
	end
end
