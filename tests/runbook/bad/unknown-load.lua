-- expect: unknown-load.lua:3: unknown name 'load'
runbook { id = "bad", bellbook = 1, title = "Bad" }
load("return 1")()
