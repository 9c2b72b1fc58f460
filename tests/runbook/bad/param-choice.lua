-- expect: param-choice.lua:2: parameter 'n': a choice needs choices
runbook { id = "bad", bellbook = 1, title = "Bad", params = { n = { type = "choice" } } }
