-- expect: 500 function_error
return function(params, ctx)
  error(setmetatable({}, {__tostring = function() error("again") end}))
end
