-- expect: 200
_G.handler = function() while true do end end
return function() return {} end
