-- expect: 500 function_error
return function(params, ctx)
  error("\255\254\192\128\237\160\128", 0)
end
