-- The other half.
return require "circle-a"
