-- expect: 200 {}
return function(params, ctx)
  return nil, {}
end
