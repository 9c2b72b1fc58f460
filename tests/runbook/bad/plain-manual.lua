-- expect: plain-manual.lua:3: step 'a' is done by hand: commands = { "…" } lists what a person is to run
runbook { id = "t", bellbook = 1, title = "T" }
manual "a" { title = "A", why = "w", command = { on = "app", "ls" } }
