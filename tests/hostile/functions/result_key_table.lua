-- expect: 500 bad_result
return function(params, ctx)
  return {[{}] = 1}
end
