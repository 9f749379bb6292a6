-- expect: 500 bad_result
return function(params, ctx)
  return {n = -1 / 0}
end
