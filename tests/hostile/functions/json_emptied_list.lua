-- expect: 200 {"matches": []}
local json = require("json")
return function()
  local list = json.decode("[1,2,3]")
  for i = #list, 1, -1 do table.remove(list, i) end
  return {matches = list}
end
