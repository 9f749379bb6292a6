-- expect: 504 deadline
return function(params, ctx)
  return {found = (("a"):rep(300)):find((".-"):rep(6) .. "b")}
end
