-- expect: param-choices.lua:2: parameter 'n': choices must be a list of texts
runbook { id = "bad", bellbook = 1, title = "Bad", params = { n = { type = "choice", choices = { 1, 2 } } } }
