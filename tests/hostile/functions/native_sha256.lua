-- expect: 504 deadline
return function(params, ctx)
  return {hash = require("sha256").iterate("x", 10000000)}
end
