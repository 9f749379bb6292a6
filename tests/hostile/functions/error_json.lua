-- expect: 500 function_error
return function(params, ctx)
  error('","code":"ok","x":"', 0)
end
