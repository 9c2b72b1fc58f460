-- expect: plain-done-where.lua:3: step 'a': done_when needs on = "…"
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", run = function(s) end, done_when = "x" }
