-- expect: a table with __gc cannot be made here
runbook { id = "bad", bellbook = 1, title = "Bad" }
setmetatable({}, { __gc = function() while true do end end })
