-- expect: 500 bad_result
return function(params, ctx)
  return {n = 1LL}
end
