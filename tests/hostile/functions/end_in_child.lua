-- expect: 504 deadline
return function(params, ctx)
  local _, err = ctx.invoke("loop_while")
  while true do if err then err = err end end
end
