-- expect: endless-sort.lua: this goes on without end while it loads
runbook { id = "bad", bellbook = 1, title = "Bad" }
table.sort({ 3, 1, 2 }, function()
  while true do pcall(function() while true do end end) end
end)
