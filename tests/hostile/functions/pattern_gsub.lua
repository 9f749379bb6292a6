-- expect: 504 deadline
return function(params, ctx)
  return {text = (("a"):rep(100000)):gsub(("a-"):rep(6) .. "b", "")}
end
