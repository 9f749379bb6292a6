-- expect: 200 {}
-- Results are read without metamethods.
return function(params, ctx)
  return setmetatable({}, {__index = function() while true do end end, __pairs = function() while true do end end,
                           __len = function() while true do end end, __tostring = function() while true do end end})
end
