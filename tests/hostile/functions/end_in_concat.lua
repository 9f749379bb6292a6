-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local t = {}
  for i = 1, 2e6 do t[i] = "abcdefgh" end
  while true do table.concat(t, ", ") end
end}
