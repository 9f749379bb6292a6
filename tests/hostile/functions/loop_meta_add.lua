-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__add = function() while true do end end})
  local _ = t + 1
end
