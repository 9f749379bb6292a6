-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = require("json").leaving == nil and type(require("json").encode) == "function"
  require("json").encode = 1
  require("json").leaving = 1
  return {clean = clean}
end
