-- expect: 504 deadline
-- Each call makes calls of itself, as deep as they may be nested.
return function(params, ctx)
  while true do ctx.invoke(ctx.function_name) end
end
