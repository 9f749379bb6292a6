-- expect: 504 deadline
return function(params, ctx)
  local n = 0
  while true do
    n = n + 1
    load("return " .. n)()
  end
end
