-- expect: call-sleep.lua:3: sleep() is called while the runbook loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
sleep "1s"
