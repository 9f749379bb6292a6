-- expect: 504 deadline
-- needs: natives
return function(params, ctx)
  return {hash = require("sha256").iterate("x", 10000000)}
end
