-- expect: plain-look.lua:3: step 'a': command has no field 'grace'
runbook { id = "t", bellbook = 1, title = "T" }
observe "a" { title = "A", command = { on = "app", grace = "5s", "ls" } }
