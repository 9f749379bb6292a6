-- expect: 200 {"clean":true}
return function(params, ctx)
  local t = {}
  t.t = t
  local ok, text, message = pcall(require("json").encode, t)
  return {clean = not ok or (text == nil and message ~= nil)}
end
