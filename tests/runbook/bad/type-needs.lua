-- expect: type-needs.lua:3: step 'a': needs must be a list of texts
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", needs = "x", run = function(s) end }
