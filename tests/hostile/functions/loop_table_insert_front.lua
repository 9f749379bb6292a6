-- expect: 504 deadline
return function(params, ctx)
  local list = {}
  while true do
    table.insert(list, 1, 1)
    if #list > 20000 then list = {} end
  end
end
