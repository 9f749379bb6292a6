-- expect: 500 memory_limit
return function(params, ctx)
  local t = {}
  for i = 1, math.huge do t[i] = function() return i end end
end
