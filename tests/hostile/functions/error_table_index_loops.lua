-- expect: 500 function_error
return function(params, ctx)
  error(setmetatable({}, {__index = function() while true do end end}))
end
