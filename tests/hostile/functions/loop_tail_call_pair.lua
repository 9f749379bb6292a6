-- expect: 504 deadline
return function(params, ctx)
  local one, two
  function one(n) return two(n + 1) end
  function two(n) return one(n - 1) end
  return one(0)
end
