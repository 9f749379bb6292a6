-- expect: 504 deadline
return function(params, ctx)
  while true do coroutine.wrap(ctx.sleep)(1) end
end
