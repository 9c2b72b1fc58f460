-- expect: plain-empty.lua:3: step 'a': command has no command in it: command = { on = "ROLE", "…" }
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app" }, done_when = "x" }
