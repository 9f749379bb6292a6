-- expect: 504 deadline
return function(params, ctx)
  for i = 1, 1e9 do for j = 1, 1e9 do local _ = i + j end end
end
