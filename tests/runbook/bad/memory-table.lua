-- expect: memory-table.lua: it needs more than 64 MiB of memory
runbook { id = "bad", bellbook = 1, title = "Bad" }
local t = {}
for i = 1, 1e9 do t[i] = i end
