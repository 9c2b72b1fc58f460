-- expect: runbook-twice.lua:3: runbook { … } stands once in a file
runbook { id = "bad", bellbook = 1, title = "Bad" }
runbook { id = "bad", bellbook = 1, title = "Bad" }
