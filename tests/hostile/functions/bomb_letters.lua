-- expect: 500 memory_limit
return function(params, ctx)
  return {s = require("random").letters(64000000)}
end
