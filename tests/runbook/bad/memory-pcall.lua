-- expect: memory-pcall.lua: this goes on without end while it loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
while true do pcall(string.rep, "x", 1e9) end
