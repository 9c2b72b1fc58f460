-- expect: lib/calls.lua:2: here.read() is called while the runbook loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
require "calls"
