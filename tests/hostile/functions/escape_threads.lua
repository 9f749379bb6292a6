-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  local co = coroutine.create(print)
  for _, fn in ipairs({coroutine.resume, coroutine.status, coroutine.wrap, coroutine.isyieldable, coroutine.running}) do
    pcall(fn, coroutine.running())
    pcall(fn, co, co, co)
  end
  local ok = pcall(coroutine.resume, coroutine.running())
  local self = coroutine.running()
  escaped = self ~= nil and ok and coroutine.status(self) ~= "running"
  return {escaped = escaped}
end
