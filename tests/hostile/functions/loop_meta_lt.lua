-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__lt = function() while true do end end})
  local _ = t < t
end
