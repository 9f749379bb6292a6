-- expect: 500 function_error
return function(params, ctx)
  for _, value in ipairs({1, {}, print, true, ("x"):rep(1e5), "../etc", "a\0b", ""}) do
    pcall(ctx.invoke, value, {})
    pcall(ctx.invoke_all, {{value}})
    pcall(ctx.invoke_all, value)
  end
  ctx.invoke("hash", "no table")
end
