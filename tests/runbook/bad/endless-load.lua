-- expect: endless-load.lua: this goes on without end while it loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
while true do end
