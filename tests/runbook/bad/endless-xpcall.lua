-- expect: endless-xpcall.lua: this goes on without end while it loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
local function again() while true do end end
while true do xpcall(again, again) end
