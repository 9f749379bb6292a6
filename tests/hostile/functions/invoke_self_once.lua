-- expect: 200
return function(params, ctx)
  local result, err = ctx.invoke(ctx.function_name)
  return {result = result, err = err}
end
