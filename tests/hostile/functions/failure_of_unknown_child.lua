-- expect: 404 unknown_function
return function(_, ctx)
  return ctx.invoke("no-such-function", {})
end
