-- expect: type-timeout.lua:3: step 'a': timeout must be a duration
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", timeout = "soon", run = function(s) end }
