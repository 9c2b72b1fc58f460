-- expect: duplicate-id.lua:4: step 'a' stands twice (first in line 3)
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", run = function(s) end }
observe "a" { title = "B", run = function(s) end }
