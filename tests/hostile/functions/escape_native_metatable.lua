-- expect: 200 {"escaped":false}
-- A finalizer of its own would run where no hook is.
return function(params, ctx)
  local m = require("matrix").random(2)
  local meta = getmetatable(m)
  local escaped = type(meta) == "table" and meta.__gc ~= nil
  if type(meta) == "table" then
    pcall(function() meta.__index = print end)
    pcall(function() meta.__gc = function() while true do end end end)
  end
  return {escaped = escaped}
end
