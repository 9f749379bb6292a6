-- expect: 504 deadline
return function(params, ctx)
  while true do local _ = ("%99.99f %q"):format(1 / 3, ("x"):rep(100)) end
end
