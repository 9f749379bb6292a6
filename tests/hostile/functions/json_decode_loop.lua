-- expect: 504 deadline
return function(params, ctx)
  local json = require("json")
  while true do json.decode("[1,{}]") end
end
