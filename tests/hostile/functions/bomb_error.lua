-- expect: 500 function_error
return function(params, ctx)
  error(("x"):rep(5e6), 0)
end
