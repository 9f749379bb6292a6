-- expect: 504 deadline
return function(params, ctx)
  local list = {}
  while true do
    for i = 1, 1000 do list[i] = i end
    pcall(table.sort, list, function() return true end)
  end
end
