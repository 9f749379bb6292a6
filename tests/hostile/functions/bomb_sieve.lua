-- expect: 500 memory_limit
return function(params, ctx)
  local kept = {}
  for i = 1, math.huge do kept[i] = require("sieve").count(i % 100 + 1) .. ("x"):rep(1e5) .. i end
end
