-- expect: type-needs-map.lua:3: step 'a': needs must be a list of texts
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", needs = { x = true }, run = function(s) end }
