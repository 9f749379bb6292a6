-- expect: 504 deadline
return function(params, ctx)
  ctx.sleep(60000)
end
