-- expect: 500 memory_limit
return function(params, ctx)
  while true do
    xpcall(function() return ("x"):rep(1e9) end, function() return ("y"):rep(1e9) end)
  end
end
