-- expect: 200
return {
  params = setmetatable({}, {__index = function() while true do end end, __pairs = function() while true do end end}),
  handler = function() return {} end,
}
