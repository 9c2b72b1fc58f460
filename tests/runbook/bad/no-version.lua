-- expect: no-version.lua:2: runbook needs bellbook = 1
runbook { id = "bad", title = "Bad" }
