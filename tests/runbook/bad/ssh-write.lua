-- expect: ssh-write.lua:3: ssh cannot be changed from a runbook
runbook { id = "bad", bellbook = 1, title = "Bad" }
ssh.run = function() end
