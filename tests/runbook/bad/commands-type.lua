-- expect: commands-type.lua:3: step 'a': commands must be a list of texts, or of functions (s) that give them
runbook { id = "t", bellbook = 1, title = "T" }
manual "a" { title = "A", why = "w", commands = { 7 } }
