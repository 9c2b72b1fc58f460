-- counted.lua - a number with its noun: counted(1, "job") is "1 job", counted(2, "job") "2 jobs", counted(1, "job waits", "jobs wait")
-- "1 job waits". SPDX-License-Identifier: GPL-3.0-or-later
return function(n, one, many) return ("%d %s"):format(n, n == 1 and one or many or one .. "s") end
