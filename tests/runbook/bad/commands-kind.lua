-- expect: commands-kind.lua:3: step 'a': commands is a field of steps of the kind manual, and this one is of the kind observe
runbook { id = "t", bellbook = 1, title = "T" }
observe "a" { title = "A", run = function(s) end, commands = function(s) end }
