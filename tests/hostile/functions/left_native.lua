-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = require("sha256").leaving == nil
  require("sha256").leaving = 1
  return {clean = clean}
end
