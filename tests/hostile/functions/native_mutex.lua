-- expect: 504 deadline
return function(params, ctx)
  return {sum = require("mutex").contend(64, 100000)}
end
