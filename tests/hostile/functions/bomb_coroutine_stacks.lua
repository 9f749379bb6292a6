-- expect: 500 memory_limit
return function(params, ctx)
  local t = {}
  local function deep(n) if n == 0 then coroutine.yield() else deep(n - 1) end return n end
  for i = 1, math.huge do
    t[i] = coroutine.create(deep)
    coroutine.resume(t[i], 5000)
  end
end
