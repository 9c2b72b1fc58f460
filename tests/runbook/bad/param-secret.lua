-- expect: param-secret.lua:2: parameter 'n': a secret has no default
runbook { id = "bad", bellbook = 1, title = "Bad", params = { n = { type = "secret", default = "hunter22" } } }
