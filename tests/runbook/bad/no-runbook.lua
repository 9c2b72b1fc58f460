-- expect: no-runbook.lua: there is no runbook
observe "a" { title = "A", run = function(s) end }
