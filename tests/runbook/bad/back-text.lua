-- expect: back-text.lua:2: way_back = { runbook = "…", with = { … }, open = "…" }
runbook { id = "bad", bellbook = 1, title = "Bad",
	way_back = "no-title" }
observe "a" { title = "A", run = function(s) end }
