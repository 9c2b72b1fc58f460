-- expect: back-id.lua:2: way_back needs runbook = "…", the id of another runbook
runbook { id = "bad", bellbook = 1, title = "Bad",
	way_back = { open = "for ever" } }
observe "a" { title = "A", run = function(s) end }
