-- expect: which no earlier step gives (only this or a later one does)
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", needs = { "t" }, run = function(s) end }
observe "b" { title = "B", gives = { "t" }, run = function(s) s.t = 1 end }
