-- expect: unknown-member.lua:3: there is no ssh.rnu (did you mean ssh.run?)
runbook { id = "bad", bellbook = 1, title = "Bad" }
local f = ssh.rnu
