-- expect: 504 deadline
-- needs: patterns
return function(params, ctx)
  return {text = (("a"):rep(100000)):gsub("a-b", "")}
end
