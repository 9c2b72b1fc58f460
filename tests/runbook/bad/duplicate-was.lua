-- expect: duplicate-was.lua:4: step 'b' was 'a', but 'a' is another step (line 3)
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", run = function(s) end }
observe "b" { title = "B", was = { "a" }, run = function(s) end }
