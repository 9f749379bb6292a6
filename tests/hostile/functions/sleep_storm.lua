-- expect: 504 deadline
return function(params, ctx)
  while true do ctx.sleep(0) end
end
