-- expect: plain-type.lua:3: step 'a': command: "cwd" must be a text
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", cwd = 7, "ls" }, done_when = "x" }
