-- expect: pattern.lua: this goes on without end while it loads, inside one function of Lua
runbook { id = "bad", bellbook = 1, title = "Bad" }
string.find(string.rep("a", 1000), string.rep("a*", 40) .. "b")
