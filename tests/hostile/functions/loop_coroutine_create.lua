-- expect: 504 deadline
return function(params, ctx)
  while true do coroutine.resume(coroutine.create(function() end)) end
end
