-- expect: 500 memory_limit
return function(params, ctx)
  local kept = {}
  for i = 1, 100 do kept[i] = require("matrix").random(1000) end
end
