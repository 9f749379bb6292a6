-- expect: 500 function_error
return function(params, ctx)
  return nil, "\255\r\n\0"
end
