-- expect: 500 function_error
return function(params, ctx)
  error("before\0after", 0)
end
