-- expect: 200 {"grown": 9}
-- A table with as many slots as the largest Lua stack has, or a few more or less, still grows.
local new = require "table.new"

return function()
  local grown = 0
  for _, slots in ipairs{65491, 65499, 65500, 65508, 65509, 65510, 65530, 65531, 65535} do
    local t = new(slots, 0)
    for i = 1, 140000 do
      t[i] = i
    end
    assert(#t == 140000 and t[slots + 1] == slots + 1)
    grown = grown + 1
  end
  return {grown = grown}
end
