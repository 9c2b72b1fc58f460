-- A library that calls while it loads.
return here.read("uname")
