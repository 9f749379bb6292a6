-- expect: 500 function_error
return function(params, ctx)
  return {text = require("gzip").decompress(("\31\139\8"):rep(1000), 1e6)}
end
