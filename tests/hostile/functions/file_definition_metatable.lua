-- expect: 503 function_broken
-- Asked for what it declares, it never answers.
return setmetatable({}, {__index = function(_, key)
  while key ~= "handler" do end
  return function() return {} end
end})
