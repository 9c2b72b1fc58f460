-- expect: plain-env.lua:3: step 'a': command: "env" must be a table of texts or secrets
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", env = { A = function() end, B = {} }, "ls" }, done_when = "x" }
