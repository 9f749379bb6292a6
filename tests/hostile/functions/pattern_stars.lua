-- expect: 504 deadline
return function(params, ctx)
  return {found = (("a"):rep(30000)):find(("a*"):rep(10) .. "b")}
end
