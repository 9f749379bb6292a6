-- expect: 500 function_error
return function(params, ctx)
  local function deeper() return 1 + deeper() end
  local ok, message = xpcall(deeper, deeper)
  error(type(message) == "string" and message or "no text", 0)
end
