-- expect: 504 deadline
return function(params, ctx)
  while true do print(("x"):rep(1000)) end
end
