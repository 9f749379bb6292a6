-- expect: 504 deadline
return function(params, ctx)
  local list = {}
  for i = 1, 5000 do list[i] = i end
  while true do select("#", unpack(list)) end
end
