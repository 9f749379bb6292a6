-- expect: 200 {"clean":true}
return function(params, ctx)
  local value = {}
  for _ = 1, 1e5 do value = {value} end
  local ok, message = pcall(require("json").encode, value)
  return {clean = message ~= nil and (not ok or type(message) ~= "string" or #message < 1000)}
end
