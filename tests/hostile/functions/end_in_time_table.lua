-- expect: 504 deadline
return function()
  local t
  t = setmetatable({}, {__index = function() return os.time(t) end})
  while true do pcall(os.time, t) end
end
