-- expect: 504 deadline
return function(params, ctx)
  while true do pcall(ctx.sleep, 600000) end
end
