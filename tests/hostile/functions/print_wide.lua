-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__tostring = function() return ("x"):rep(1e5) end})
  while true do print(t, t, t, t, t, t, t, t, t, t) end
end
