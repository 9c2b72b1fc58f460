-- expect: commands-kind.lua:3: step 'a': only a manual step computes commands
runbook { id = "t", bellbook = 1, title = "T" }
observe "a" { title = "A", run = function(s) end, commands = function(s) end }
