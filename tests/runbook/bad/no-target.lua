-- expect: no-target.lua:3: step 'a' needs target
runbook { id = "bad", bellbook = 1, title = "Bad" }
irreversible "a" { title = "A", why = "w", run = function(s) end, done = function(s) return true end }
