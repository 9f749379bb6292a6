-- expect: 504 deadline
return function()
  local fields
  fields = setmetatable({}, {__index = function() return os.time(fields) end})
  while true do pcall(os.time, fields) end
end
