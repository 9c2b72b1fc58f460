-- expect: plain-both-done.lua:3: step 'a' has done_when and done: one of them says what it does
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", "ls" }, done = function(s) end, done_when = "x" }
