-- expect: 500 function_error
return function(params, ctx)
  -- what ctx.sleep yields, yielded by the function itself
  local mark
  local co = coroutine.create(function() ctx.sleep(1) end)
  local raw = coroutine.resume
  mark = select(2, raw(co))
  coroutine.yield(mark)
end
