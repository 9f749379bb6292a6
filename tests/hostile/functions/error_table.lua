-- expect: 500 function_error
return function(params, ctx)
  error({code = 1, error = {}})
end
