-- expect: 503 function_broken
local params = {}
for i = 1, 100000 do params["p" .. i] = {type = "integer"} end
return {params = params, handler = function() end}
