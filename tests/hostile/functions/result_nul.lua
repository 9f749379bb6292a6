-- expect: 200 {"s":"a\u0000b"}
return function(params, ctx)
  return {s = "a\0b"}
end
