-- expect: 504 deadline
return function(params, ctx)
  while true do coroutine.wrap(function() while true do end end)() end
end
