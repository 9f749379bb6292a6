-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = debug ~= nil}
end
