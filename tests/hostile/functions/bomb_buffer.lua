-- expect: 500 memory_limit
return function(params, ctx)
  local parts = {}
  for i = 1, math.huge do parts[#parts + 1] = ("x"):rep(1000) .. i end
end
