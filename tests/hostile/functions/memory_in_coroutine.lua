-- expect: 500 memory_limit
return function(params, ctx)
  while true do coroutine.resume(coroutine.create(function() return ("x"):rep(1e9) end)) end
end
