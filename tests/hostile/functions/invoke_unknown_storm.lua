-- expect: 504 deadline
return function(params, ctx)
  while true do ctx.invoke("nobody") end
end
