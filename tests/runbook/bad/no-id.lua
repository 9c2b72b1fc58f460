-- expect: no-id.lua:2: runbook needs id
runbook { bellbook = 1, title = "Bad" }
