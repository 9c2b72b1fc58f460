-- expect: use-and-need.lua:4: step 'b': 'v' is in needs and in uses; what it cannot do without is in needs alone
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", gives = { "v" }, run = function(s) end }
observe "b" { title = "B", needs = { "v" }, uses = { "v" }, run = function(s) end }
