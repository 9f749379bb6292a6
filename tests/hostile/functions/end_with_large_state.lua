-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  kept = {}
  for i = 1, 1e9 do kept[i % 4e6] = {i} end
end}
