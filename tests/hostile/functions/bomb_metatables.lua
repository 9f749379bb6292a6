-- expect: 500 memory_limit
return function(params, ctx)
  local t
  while true do t = setmetatable({}, {__index = t}) end
end
