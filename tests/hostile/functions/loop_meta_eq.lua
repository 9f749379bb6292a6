-- expect: 504 deadline
return function(params, ctx)
  local meta = {__eq = function() while true do end end}
  return {setmetatable({}, meta) == setmetatable({}, meta)}
end
