-- expect: plain-text.lua:3: step 'a': command is a table: command = { on = "ROLE", as = "USER", "…" }
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = "ls", done_when = "x" }
