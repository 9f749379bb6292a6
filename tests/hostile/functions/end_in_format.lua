-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local s = ("\0"):rep(1e7)
  while true do ("%q%s"):format(s, s) end
end}
