-- expect: require-path.lua:3: require "../x": a library is named by small letters
runbook { id = "bad", bellbook = 1, title = "Bad" }
require "../x"
