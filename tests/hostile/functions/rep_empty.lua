-- expect: 200
return function(params, ctx)
  return {s = (""):rep(2^31 - 1, "")}
end
