-- expect: 504 deadline
return function(params, ctx)
  local t = {}
  while true do setmetatable(t, {}) end
end
