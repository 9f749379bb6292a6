-- expect: 500 memory_limit
return function(params, ctx)
  local parts = {}
  for i = 1, 1e4 do parts[i] = ("x"):rep(1e4) end
  return {s = table.concat(parts)}
end
