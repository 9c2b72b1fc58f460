-- expect: param-pattern.lua:2: parameter 'n': pattern: malformed pattern
runbook { id = "bad", bellbook = 1, title = "Bad", params = { n = { pattern = "[a" } } }
