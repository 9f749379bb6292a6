-- expect: 504 deadline
return function(params, ctx)
  while true do (("a b "):rep(10000)):find("%f[%w]x") end
end
