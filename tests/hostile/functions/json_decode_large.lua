-- expect: 504 deadline
return {memory_mb = 512, handler = function()
  local text = "[" .. ("[1.5,{}],"):rep(2e6) .. "0]"
  while true do require("json").decode(text) end
end}
