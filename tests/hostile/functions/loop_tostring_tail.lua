-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__tostring = function(self) return tostring(self) end})
  return {result = tostring(t)}
end
