-- expect: 504 deadline
return function(params, ctx)
  ("x"):gsub(".", setmetatable({}, {__index = function() while true do end end}))
end
