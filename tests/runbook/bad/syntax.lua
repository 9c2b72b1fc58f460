-- expect: syntax.lua:4: 
runbook { id = "bad", bellbook = 1, title = "Bad" }
observe "a" { title = "A"
  run = function(s) end }
