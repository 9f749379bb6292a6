-- expect: 200 {"code":"unknown_function"}
return function(params, ctx)
  local _, err = ctx.invoke("no\r\nX-Evil: 1\0\27[31m")
  return {code = err.code}
end
