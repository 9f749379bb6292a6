-- expect: 500 function_error
return function(params, ctx)
  assert(false, {})
end
