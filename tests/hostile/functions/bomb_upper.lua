-- expect: 500 memory_limit
return function(params, ctx)
  local kept = {}
  for i = 1, math.huge do kept[i] = (("x"):rep(1e5) .. i):upper() end
end
