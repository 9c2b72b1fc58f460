-- expect: type-params.lua:2: params = { NAME = { type = … }, … }
runbook { id = "bad", bellbook = 1, title = "Bad", params = { "n" } }
