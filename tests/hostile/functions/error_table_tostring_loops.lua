-- expect: 504 deadline
-- What is raised is asked for its text, within the deadline.
return function(params, ctx)
  error(setmetatable({}, {__tostring = function() while true do end end}))
end
