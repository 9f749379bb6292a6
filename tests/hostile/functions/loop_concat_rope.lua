-- expect: 504 deadline
return function(params, ctx)
  while true do
    local s = ""
    for i = 1, 1000 do s = s .. i end
  end
end
