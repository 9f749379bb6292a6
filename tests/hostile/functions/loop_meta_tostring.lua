-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__tostring = function() while true do end end})
  tostring(t)
end
