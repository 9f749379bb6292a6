-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local s = ("aB"):rep(2e7)
  while true do s:upper():lower():reverse() end
end}
