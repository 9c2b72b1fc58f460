-- expect: unknown-os.lua:3: unknown name 'os'
runbook { id = "bad", bellbook = 1, title = "Bad" }
os.execute("true")
