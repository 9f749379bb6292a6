-- expect: 504 deadline
return function(params, ctx)
  while true do ctx.invoke("hash", {rounds = 1}) end
end
