-- expect: param-type.lua:2: parameter 'n': there is no type 'int'
runbook { id = "bad", bellbook = 1, title = "Bad", params = { n = { type = "int" } } }
