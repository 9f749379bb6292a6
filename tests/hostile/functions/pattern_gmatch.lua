-- expect: 504 deadline
return function(params, ctx)
  for _ in (("a"):rep(100000)):gmatch(("a-"):rep(6) .. "b") do end
end
