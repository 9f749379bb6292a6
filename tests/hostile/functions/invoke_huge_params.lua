-- expect: 500
return function(params, ctx)
  ctx.invoke("hash", {input = ("x"):rep(8e6)})
end
