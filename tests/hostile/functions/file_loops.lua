-- expect: 503 function_broken
while true do end
return function() end
