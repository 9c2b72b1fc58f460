-- expect: error-table.lua: 
runbook { id = "bad", bellbook = 1, title = "Bad" }
error({})
