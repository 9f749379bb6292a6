-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = string.dump ~= nil or ("").dump ~= nil}
end
