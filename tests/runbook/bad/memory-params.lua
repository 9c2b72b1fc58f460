-- expect: memory-params.lua:4: parameter 'n': choices: a table is too large
local t = "a"
for _ = 1, 31 do t = { t, t } end
runbook { id = "bad", bellbook = 1, title = "Bad", params = { n = { choices = t } } }
