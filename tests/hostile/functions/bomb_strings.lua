-- expect: 500 memory_limit
return function(params, ctx)
  local t = {}
  for i = 1, math.huge do t[i] = "a text of some length " .. i end
end
