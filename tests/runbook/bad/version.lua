-- expect: version.lua:2: runbook needs bellbook = 1
runbook { id = "bad", bellbook = 2, title = "Bad" }
