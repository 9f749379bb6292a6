-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, name in ipairs({{}, print, true, 1.5, setmetatable({}, {__tostring = function() return "fib" end})}) do
    escaped = escaped or pcall(require, name)
  end
  return {escaped = escaped}
end
