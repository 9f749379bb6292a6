-- expect: 200 {"strange": 0}
-- The collector frees the members of a weak table while they are encoded.
local json = require "json"

return {memory_mb = 64, handler = function()
  local weak = setmetatable({}, {__mode = "v"})
  collectgarbage()
  collectgarbage("stop")
  for i = 1, 3000 do
    weak[("key"):rep(10) .. i] = {i, ("text"):rep(10) .. i}
  end
  collectgarbage("setpause", 0)
  collectgarbage("setstepmul", 100000000)
  collectgarbage("restart")
  local text = json.encode(weak)
  local strange = 0
  for key in pairs(json.decode(text)) do
    if not key:match("^keykeykeykeykeykeykeykeykeykey%d+$") then
      strange = strange + 1
    end
  end
  return {strange = strange}
end}
