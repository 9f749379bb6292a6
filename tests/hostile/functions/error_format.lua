-- expect: 500 function_error
return function(params, ctx)
  error("%s%n%d%999999s", 0)
end
