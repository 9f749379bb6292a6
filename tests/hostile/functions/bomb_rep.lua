-- expect: 500 memory_limit
return function(params, ctx)
  return {s = ("x"):rep(1e9)}
end
