-- expect: 500 memory_limit
return function(params, ctx)
  return {s = require("random").uuids(1000000)}
end
