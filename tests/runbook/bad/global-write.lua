-- expect: global-write.lua:3: 'version' is not local: write `local version = …`
runbook { id = "bad", bellbook = 1, title = "Bad" }
version = "4.3"
