-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__unm = function() while true do end end})
  local _ = -t
end
