-- expect: 504 deadline
return function(params, ctx)
  local x = 0
  while x ~= 1 do x = x * 0.5 + 1e-300 end
end
