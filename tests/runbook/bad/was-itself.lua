-- expect: was-itself.lua:3: step 'b' was 'b', which is its id now: was lists former ids
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "b" { title = "B", was = { "b" }, run = function(s) end }
