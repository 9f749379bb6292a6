-- expect: 200 {"escaped":false}
-- Numbers of 64 bits exist without ffi, but nothing can be done with them.
return function(params, ctx)
  return {escaped = type(1LL) == "cdata" and pcall(function() return (1LL).x end)}
end
