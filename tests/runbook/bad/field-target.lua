-- expect: field-target.lua:3: step 'a': target is a field of steps of the kind irreversible, and this one is of the kind change
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", target = "db1", run = function(s) end, done = function(s) end }
