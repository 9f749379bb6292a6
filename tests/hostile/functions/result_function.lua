-- expect: 500 bad_result
return function(params, ctx)
  return {f = print}
end
