-- expect: param-default.lua:2: default: n: a number from 1 to 9 is needed
runbook { id = "bad", bellbook = 1, title = "Bad", params = { n = { type = "integer", min = 1, max = 9, default = 10 } } }
