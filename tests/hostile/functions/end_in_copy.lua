-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local s = ("x"):rep(4e7)
  while true do local t = s .. s end
end}
