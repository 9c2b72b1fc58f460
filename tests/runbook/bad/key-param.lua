-- expect: key-param.lua:2: parameter 'n' has no field 'tpye' (did you mean 'type'?)
runbook { id = "bad", bellbook = 1, title = "Bad", params = { n = { tpye = "text" } } }
