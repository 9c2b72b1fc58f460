-- Half of a circle.
return require "circle-b"
