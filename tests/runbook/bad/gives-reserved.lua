-- expect: gives-reserved.lua:3: step 'a': gives 'fleet', a name that s has already
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", gives = { "fleet" }, run = function(s) end }
