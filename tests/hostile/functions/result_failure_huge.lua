-- expect: 500 function_error
return function(params, ctx)
  return nil, ("x"):rep(5e6)
end
