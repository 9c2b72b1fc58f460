-- expect: deep.lua:
runbook { id = "bad", bellbook = 1, title = "Bad" }
local function f() return 1 + f() end
f()
