-- expect: 504 deadline
-- needs: patterns
return function(params, ctx)
  for _ in (("a"):rep(100000)):gmatch("a-b") do end
end
