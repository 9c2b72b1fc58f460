-- expect: key-step.lua:3: step 'a' has no field 'wy' (did you mean 'why'?)
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", wy = "x", run = function(s) end }
