-- expect: table-move.lua: this goes on without end while it loads, inside one function of Lua
runbook { id = "bad", bellbook = 1, title = "Bad" }
table.move({}, 1, 1 << 60, 2)
