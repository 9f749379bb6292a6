-- expect: 500 function_error
return function(params, ctx)
  error(coroutine.create(print))
end
