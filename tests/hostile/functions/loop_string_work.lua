-- expect: 504 deadline
return function(params, ctx)
  local s = ("x"):rep(1000)
  while true do s = s:upper():lower():reverse() end
end
