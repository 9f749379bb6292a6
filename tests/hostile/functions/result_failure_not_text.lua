-- expect: 500 function_error
return function(params, ctx)
  return nil, {}
end
