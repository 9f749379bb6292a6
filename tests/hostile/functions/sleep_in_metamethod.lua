-- expect: 200
return function(params, ctx)
  local t = setmetatable({}, {__index = function() ctx.sleep(1) return 1 end})
  return {x = t.x}
end
