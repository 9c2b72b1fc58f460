-- expect: plain-at-once.lua:3: step 'a': command: at_once must be a whole number of at least 1
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", at_once = 0, "ls" }, done_when = "x" }
