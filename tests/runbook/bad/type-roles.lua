-- expect: type-roles.lua:2: roles = { ROLE = "1+", … }
runbook { id = "bad", bellbook = 1, title = "Bad", roles = { web = "many" } }
