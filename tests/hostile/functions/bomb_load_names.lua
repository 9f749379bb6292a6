-- expect: 500
return function(params, ctx)
  local parts = {}
  for i = 1, 100000 do parts[i] = "x" .. i .. " = " .. i end
  load(table.concat(parts, "\n"))()
end
