-- expect: 504 deadline
return function(params, ctx)
  while true do for _ in ("abc"):gmatch("") do end end
end
