-- expect: 200 {"result":1}
return function(params, ctx)
  return 1, 2, 3, unpack({}, 1, 1000)
end
