-- expect: call-each.lua:3: each() is called while the runbook loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
each({ "a" }, function() end)
