-- expect: was-twice.lua:3: step 'b' was 'x' twice
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "b" { title = "B", was = { "x", "y", "x" }, run = function(s) end }
