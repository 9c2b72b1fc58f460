-- expect: was-shared.lua:4: step 'c' was 'x', and so was step 'b' (line 3): only one step can go on as another did
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "b" { title = "B", was = { "old", "x" }, run = function(s) end }
observe "c" { title = "C", was = { "x" }, run = function(s) end }
