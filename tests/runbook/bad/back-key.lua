-- expect: back-key.lua:2: way_back has no field 'runbok' (did you mean 'runbook'?)
runbook { id = "bad", bellbook = 1, title = "Bad",
	way_back = { runbok = "no-title" } }
observe "a" { title = "A", run = function(s) end }
