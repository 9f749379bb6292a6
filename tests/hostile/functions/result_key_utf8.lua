-- expect: 500 bad_result
return function(params, ctx)
  return {["\255"] = 1}
end
