-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  while true do local s = ("x"):rep(9e7) end
end}
