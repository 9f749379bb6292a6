-- expect: 200 {"clean":true}
return function(params, ctx)
  local value, message = require("json").decode(("["):rep(1e6))
  return {clean = value == nil and type(message) == "string"}
end
