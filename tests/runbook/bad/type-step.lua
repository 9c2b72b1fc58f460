-- expect: type-step.lua:3: bad argument #1
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" "b"
