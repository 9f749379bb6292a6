-- expect: 504 deadline
return function(params, ctx)
  local ok = coroutine.resume(coroutine.create(function() while true do end end))
  return {caught = ok}
end
