-- expect: 504 deadline
return function(params, ctx)
  print(setmetatable({}, {__tostring = function() while true do end end}))
end
