-- expect: 500 function_error
return function(params, ctx)
  for _, ms in ipairs({-1, 1e300, 0 / 0, "x", {}}) do pcall(ctx.sleep, ms) end
  ctx.sleep(600001)
end
