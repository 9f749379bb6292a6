-- expect: 500 function_error
tostring = nil
setmetatable(_G, {__index = function() print() end})
return function()
  print()
  return {}
end
