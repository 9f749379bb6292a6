-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, fn in pairs(ctx) do
    if type(fn) == "function" then
      local co = coroutine.create(fn)
      coroutine.resume(co, {}, {})
    end
  end
  return {escaped = escaped}
end
