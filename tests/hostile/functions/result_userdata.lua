-- expect: 500 bad_result
return function(params, ctx)
  return {m = require("matrix").random(2)}
end
