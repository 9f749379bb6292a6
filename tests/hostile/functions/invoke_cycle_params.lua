-- expect: 500 function_error
return function(params, ctx)
  local params = {}
  params.params = params
  ctx.invoke("hash", params)
end
