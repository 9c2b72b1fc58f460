-- expect: bad-id.lua:3: step 'Über': an id has small letters
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "Über" { title = "A", run = function(s) end }
