-- expect: 500 function_error
return function(params, ctx)
  local matrix = require("matrix")
  local a = matrix.random(4)
  return {x = matrix.multiply(a, setmetatable({}, getmetatable(a)))}
end
