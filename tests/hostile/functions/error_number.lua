-- expect: 500 function_error
return function(params, ctx)
  error(0 / 0)
end
