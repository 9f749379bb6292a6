-- expect: 500 bad_result
return function(params, ctx)
  return {n = 0 / 0}
end
