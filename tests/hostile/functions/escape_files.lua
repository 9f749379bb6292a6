-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = dofile ~= nil or loadfile ~= nil}
end
