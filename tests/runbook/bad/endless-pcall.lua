-- expect: endless-pcall.lua: this goes on without end while it loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
while true do pcall(function() while true do end end) end
