-- expect: type-run.lua:3: step 'a': run must be a function (s) … end
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", run = "ls" }
