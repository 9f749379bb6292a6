-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local t = {}
  for i = 1, 2 ^ 19 do t[i + 0.5] = i end
  for k in pairs(t) do t[k] = nil end
  while true do next(t) end
end}
