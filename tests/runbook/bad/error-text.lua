-- expect: error-text.lua:3: not today
runbook { id = "bad", bellbook = 1, title = "Bad" }
error("not today")
