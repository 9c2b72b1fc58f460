-- expect: plain-where.lua:3: step 'a': command needs on = "…": a role or a host of the fleet, or a list of them
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { "ls" }, done_when = "x" }
