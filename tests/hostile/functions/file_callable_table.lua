-- expect: 503 function_broken
return setmetatable({}, {__call = function() end})
