-- expect: 504 deadline
return function(params, ctx)
  for _ = 1, math.huge do end
end
