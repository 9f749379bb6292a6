-- expect: 500 function_error
return function(params, ctx)
  error("x", -1e9)
end
