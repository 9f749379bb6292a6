-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = getfenv ~= nil or setfenv ~= nil}
end
