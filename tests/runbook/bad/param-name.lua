-- expect: param-name.lua:2: parameter 'a b': a name has letters, digits and _
runbook { id = "bad", bellbook = 1, title = "Bad", params = { ["a b"] = {} } }
