-- expect: plain-both.lua:3: step 'a' has command and run: one of them says what it does
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", "ls" }, run = function(s) end, done_when = "x" }
