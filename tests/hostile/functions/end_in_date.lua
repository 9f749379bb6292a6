-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local format = ("%c"):rep(4e6)
  while true do os.date(format) end
end}
