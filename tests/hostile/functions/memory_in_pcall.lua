-- expect: 500 memory_limit
return function(params, ctx)
  while true do pcall(string.rep, "x", 1e9) end
end
