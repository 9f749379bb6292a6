-- expect: 504 deadline
return function(params, ctx)
  local function again(n) return again(n + 1) end
  return again(0)
end
