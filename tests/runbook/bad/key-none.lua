-- expect: key-none.lua:3: step 'a' has an entry without a name
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { "title", run = function(s) end }
