-- expect: 504 deadline
return function(params, ctx)
  error(setmetatable({}, {__index = function() while true do end end}))
end
