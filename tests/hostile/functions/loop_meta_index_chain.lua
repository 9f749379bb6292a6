-- expect: 504 deadline
return function(params, ctx)
  local t = setmetatable({}, {__index = function(self, key) return self[key .. ""] end})
  while true do pcall(function() return t.x end) end
end
