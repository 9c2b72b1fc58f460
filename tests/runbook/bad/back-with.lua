-- expect: back-with.lua:2: way_back: with names 'dump', which is no parameter and which no step gives
runbook { id = "bad", bellbook = 1, title = "Bad",
	way_back = { runbook = "no-title", with = { "dump" } } }
observe "a" { title = "A", run = function(s) end }
