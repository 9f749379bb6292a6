-- expect: 200
return function(params, ctx)
  return {n = 1e308, m = -0.0, tiny = 5e-324, big = 2 ^ 53 + 1}
end
