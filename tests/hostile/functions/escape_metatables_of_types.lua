-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, value in ipairs({1, true, print, coroutine.create(print), require("json").null}) do
    escaped = escaped or getmetatable(value) ~= nil or pcall(setmetatable, value, {})
  end
  return {escaped = escaped}
end
