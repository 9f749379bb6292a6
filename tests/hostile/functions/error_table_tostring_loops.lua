-- expect: 500 function_error
-- What is raised is not asked for its text.
return function(params, ctx)
  error(setmetatable({}, {__tostring = function() while true do end end}))
end
