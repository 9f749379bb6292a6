-- expect: 504 deadline
-- needs: natives
return function(params, ctx)
  return {n = require("fib").recursive(45)}
end
