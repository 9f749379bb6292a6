-- expect: 500 memory_limit
return function(params, ctx)
  for i = 1, math.huge do _G["x" .. i] = i end
end
