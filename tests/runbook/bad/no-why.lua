-- expect: no-why.lua:3: step 'a' needs why
runbook { id = "bad", bellbook = 1, title = "Bad" }
change "a" { title = "A", run = function(s) end, done = function(s) return true end }
