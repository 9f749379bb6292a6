-- expect: 504 deadline
return function(params, ctx)
  local step = coroutine.wrap(function() while true do pcall(coroutine.yield) end end)
  while true do step() end
end
