-- expect: 504 deadline
return function(params, ctx)
  local json = require("json")
  while true do json.encode({1, {a = "b"}}) end
end
