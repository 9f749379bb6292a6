-- expect: 500 function_error
return function(params, ctx)
  table.concat({}, "", -2^31, 2^31 - 1)
end
