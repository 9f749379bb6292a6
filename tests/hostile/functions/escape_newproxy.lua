-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = newproxy ~= nil or gcinfo ~= nil}
end
