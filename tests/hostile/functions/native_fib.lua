-- expect: 504 deadline
return function(params, ctx)
  return {n = require("fib").recursive(45)}
end
