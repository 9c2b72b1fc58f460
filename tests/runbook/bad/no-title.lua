-- expect: no-title.lua:3: step 'a' needs a title
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { run = function(s) end }
