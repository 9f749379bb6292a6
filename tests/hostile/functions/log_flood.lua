-- expect: 504 deadline
return function(params, ctx)
  while true do ctx.log("info", ("x"):rep(1000)) end
end
