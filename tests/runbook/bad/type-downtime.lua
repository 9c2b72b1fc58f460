-- expect: type-downtime.lua:3: step 'a': downtime is "begins" or "ends"
runbook { id = "bad", bellbook = 1, title = "Bad" }
change "a" { title = "A", why = "w", downtime = "yes", run = function(s) end, done = function(s) return true end }
