-- expect: type-run-call.lua:3: here.run() is called while the runbook loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A", run = here.run("ls") }
