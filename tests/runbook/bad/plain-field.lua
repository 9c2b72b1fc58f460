-- expect: plain-field.lua:3: step 'a': command has no field 'ass' (did you mean 'as'?)
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", ass = "root", "ls" }, done_when = "x" }
