-- expect: no-dump.lua:3: attempt to call a nil value (field 'dump')
runbook { id = "bad", bellbook = 1, title = "Bad" }
string.dump(function() end)
