-- expect: lib/broken.lua:3: 
runbook { id = "bad", bellbook = 1, title = "Bad" }
require "broken"
