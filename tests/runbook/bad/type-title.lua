-- expect: type-title.lua:3: step 'a': title must be a text
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = 7, run = function(s) end }
