-- expect: 504 deadline
-- needs: natives
return function(params, ctx)
  return {sum = require("mutex").contend(64, 100000)}
end
