-- expect: require-missing.lua:3: require "nothing": there is no lib/nothing.lua beside the runbook
runbook { id = "bad", bellbook = 1, title = "Bad" }
require "nothing"
