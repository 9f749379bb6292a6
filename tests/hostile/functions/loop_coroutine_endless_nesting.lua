-- expect: 500
-- Nested until the C stack or the memory is full: an error, never a crash.
return function(params, ctx)
  local function inside() return coroutine.wrap(inside)() end
  return inside()
end
