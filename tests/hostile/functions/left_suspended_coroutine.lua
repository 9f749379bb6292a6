-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = parked == nil
  parked = coroutine.create(function() while true do coroutine.yield() end end)
  coroutine.resume(parked)
  return {clean = clean}
end
