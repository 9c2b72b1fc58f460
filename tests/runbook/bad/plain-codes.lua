-- expect: plain-codes.lua:3: step 'a': done_when has no field 'codes': status 0 means done, 1 not done, and any other is an error
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", "ls" }, done_when = { "x", codes = { 0 } } }
