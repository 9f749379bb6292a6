-- expect: 500 memory_limit
return function(params, ctx)
  local json, list = require("json"), {}
  for i = 1, 1000 do list[i] = ("x"):rep(1000) end
  local text = {list, list, list, list, list, list, list, list, list, list, list, list}
  return {text = json.encode({text, text, text, text})}
end
