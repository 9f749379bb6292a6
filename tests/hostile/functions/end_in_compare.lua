-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local a, b = ("x"):rep(4e7), ("x"):rep(4e7) .. "y"
  while true do local less = a < b end
end}
