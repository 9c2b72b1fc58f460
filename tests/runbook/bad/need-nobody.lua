-- expect: need-nobody.lua:3: step 'a' needs 'total', which no earlier step gives
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", needs = { "total" }, run = function(s) end }
