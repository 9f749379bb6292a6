-- expect: 200 {}
return function(params, ctx)
  print(("x"):rep(5e6))
end
