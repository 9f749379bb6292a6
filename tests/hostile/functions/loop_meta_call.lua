-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__call = function() while true do end end})
  t()
end
