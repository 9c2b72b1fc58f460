-- expect: unknown-global.lua:3: unknown name 'obsreve' (did you mean 'observe'?)
runbook { id = "bad", bellbook = 1, title = "Bad" }
obsreve "a" { title = "A", run = function(s) end }
