-- expect: 503 function_broken
while true do pcall(function() while true do end end) end
return function() end
