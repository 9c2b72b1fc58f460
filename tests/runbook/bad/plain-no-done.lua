-- expect: plain-no-done.lua:3: step 'a' needs done = function (s) … end, or done_when
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", "ls" } }
