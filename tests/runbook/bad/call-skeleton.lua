-- expect: call-skeleton.lua:3: here.read() is called while the runbook loads; put it into a step's run function
runbook { id = "bad", bellbook = 1, title = "Bad" }
local v = here.read("uname")
observe "a" { title = v, run = function(s) end }
