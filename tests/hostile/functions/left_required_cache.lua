-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = require("random").uuid() ~= "mine"
  require = function() return {uuid = function() return "mine" end} end
  return {clean = clean}
end
