-- expect: 500 function_error
return function(params, ctx)
  local matrix = require("matrix")
  return {x = matrix.get(matrix.random(4), 1e9, -1e9)}
end
