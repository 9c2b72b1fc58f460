-- expect: memory-text.lua: it needs more than 64 MiB of memory
runbook { id = "bad", bellbook = 1, title = "Bad" }
local t = "x"
while true do t = t .. t end
