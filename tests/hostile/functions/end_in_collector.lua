-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local kept = {}
  for i = 1, 2e5 do kept[i] = {i} end
  while true do for i = 1, 1e5 do kept[i] = {} end end
end}
