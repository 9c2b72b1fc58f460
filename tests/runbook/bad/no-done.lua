-- expect: no-done.lua:3: step 'a' needs done
runbook { id = "bad", bellbook = 1, title = "Bad" }
change "a" { title = "A", why = "w", run = function(s) end }
