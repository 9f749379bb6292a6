-- expect: 504 deadline
return function(params, ctx)
  local function inside(depth)
    if depth == 0 then while true do end end
    return coroutine.wrap(inside)(depth - 1)
  end
  return inside(100)
end
