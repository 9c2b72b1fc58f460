-- expect: back-missing.lua:2: way_back: there is no runbook nowhere.lua beside it
runbook { id = "bad", bellbook = 1, title = "Bad",
	way_back = { runbook = "nowhere" } }
observe "a" { title = "A", run = function(s) end }
