-- A library with a mistake.
local t = {
} }
