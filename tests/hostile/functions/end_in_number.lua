-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local s = ("9"):rep(4e7)
  while true do tonumber(s) tonumber(s, 16) end
end}
