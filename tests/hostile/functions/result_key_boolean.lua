-- expect: 500 bad_result
return function(params, ctx)
  return {[true] = 1}
end
