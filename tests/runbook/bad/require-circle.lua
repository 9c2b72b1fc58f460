-- expect: lib/circle-b.lua:2: require "circle-a": libraries require each other in a circle
runbook { id = "bad", bellbook = 1, title = "Bad" }
require "circle-a"
