-- expect: 500 bad_result
return function(params, ctx)
  return {1, 2, x = 3}
end
