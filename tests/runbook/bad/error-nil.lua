-- expect: error-nil.lua: 
runbook { id = "bad", bellbook = 1, title = "Bad" }
error()
