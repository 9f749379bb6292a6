-- expect: 500 function_error
return function(params, ctx)
  local t = setmetatable({}, {__tostring = function(self) return "" .. tostring(self) end})
  return {result = tostring(t)}
end
