-- expect: 200 {"alike": true}
local json = require("json")
return function()
  for depth = 1, 2000 do
    local value = json.decode(("["):rep(depth) .. ("]"):rep(depth))
    local nested = {}
    for _ = 2, depth do nested = {nested} end
    if (value ~= nil) ~= (pcall(json.encode, nested)) then return {alike = false, depth = depth} end
    if not value then return {alike = true} end
  end
  return {alike = false}
end
