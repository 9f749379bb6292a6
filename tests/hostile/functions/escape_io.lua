-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = io ~= nil or _G.io ~= nil}
end
