-- expect: 200 {"escaped":false}
return function(params, ctx)
  local ran = false
  setmetatable({}, {__gc = function() ran = true end})
  for _ = 1, 1e5 do local _ = {{}} end
  return {escaped = ran}
end
