-- expect: 200 {}
return function(params, ctx)
  return {warm = true}
end
