-- expect: 500 function_error
return function(params, ctx)
  local calls = {}
  for i = 1, 1001 do calls[i] = {"hash"} end
  ctx.invoke_all(calls)
end
