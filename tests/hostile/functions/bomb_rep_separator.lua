-- expect: 500
return function(params, ctx)
  return {s = ("x"):rep(1e6, ("y"):rep(1e4))}
end
