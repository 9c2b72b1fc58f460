-- expect: global-function.lua:3: 'helper' is not local
runbook { id = "bad", bellbook = 1, title = "Bad" }
function helper() end
