-- expect: 500 memory_limit
local json = require("json")
return {memory_mb = 128, handler = function()
  local ok, text = pcall(json.encode, ("\1"):rep(70e6))
  return {ok = ok, length = #text}
end}
