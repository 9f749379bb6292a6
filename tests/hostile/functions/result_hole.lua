-- expect: 500 bad_result
return function(params, ctx)
  return {list = {1, 2, [5] = 5}}
end
