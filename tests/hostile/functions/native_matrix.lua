-- expect: 504 deadline
return function(params, ctx)
  local matrix = require("matrix")
  local a = matrix.random(500)
  while true do a = matrix.multiply(a, a) end
end
