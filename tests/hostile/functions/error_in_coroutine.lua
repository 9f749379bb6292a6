-- expect: 500 function_error
return function(params, ctx)
  coroutine.wrap(function() error(("x"):rep(1e6)) end)()
end
