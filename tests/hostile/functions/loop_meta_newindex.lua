-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__newindex = function() while true do end end})
  t.x = 1
end
