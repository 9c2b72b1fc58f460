-- expect: plain-number.lua:3: step 'a': command: a command is a text, or a list of words, or a function (s, host) … end
runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", command = { on = "app", 7 }, done_when = "x" }
