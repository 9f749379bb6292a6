-- expect: 500 bad_result
-- JSON can hold it; what comes back is it, or an error.
return function(params, ctx)
  return {["a\0b"] = 1}
end
