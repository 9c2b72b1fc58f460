-- expect: use-nobody.lua:3: step 'a' uses 'total', which no earlier step gives
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", uses = { "total" }, run = function(s) end }
