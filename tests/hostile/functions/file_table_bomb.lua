-- expect: 503 function_broken
local t = {}
for i = 1, math.huge do t[i] = {} end
return function() end
