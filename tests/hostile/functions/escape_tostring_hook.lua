-- expect: 200 {"escaped":false}
return function(params, ctx)
  tostring = function() return {} end
  pcall(print, 1)
  tostring = nil
  pcall(print, 1)
  _G.print = nil
  return {escaped = false}
end
