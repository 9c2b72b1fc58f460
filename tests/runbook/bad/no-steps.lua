-- expect: no-steps.lua:2: the runbook has no steps
runbook { id = "bad", bellbook = 1, title = "Bad" }
