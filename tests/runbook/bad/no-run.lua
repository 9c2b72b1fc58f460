-- expect: no-run.lua:3: step 'a' needs run
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A" }
