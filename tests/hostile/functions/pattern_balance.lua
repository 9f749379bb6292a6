-- expect: 504 deadline
return function(params, ctx)
  return {found = (("("):rep(1e6)):find("%b()")}
end
