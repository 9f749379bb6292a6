-- expect: 504 deadline
return {memory_mb = 512, handler = function()
  local items = "[1.5,{}],"
  for _ = 1, 21 do items = items .. items end
  local text = "[" .. items .. "0]"
  while true do require("json").decode(text) end
end}
