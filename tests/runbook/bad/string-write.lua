-- expect: string-write.lua:3: attempt to index a nil value
runbook { id = "bad", bellbook = 1, title = "Bad" }
getmetatable("").__index = {}
