-- expect: key-runbook.lua:2: runbook has no field 'titel' (did you mean 'title'?)
runbook { id = "bad", bellbook = 1, titel = "Bad" }
