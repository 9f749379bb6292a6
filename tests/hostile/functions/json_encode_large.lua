-- expect: 504 deadline
return {memory_mb = 512, handler = function()
  local list = {}
  for i = 1, 2e6 do list[i] = i + 0.1 end
  while true do pcall(require("json").encode, list) end
end}
