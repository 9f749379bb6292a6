-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, format in ipairs({"%", "%n", "%s%s%s", "%1000d", "%99.99999f", "%p", "%ll", "%*d", ("%s"):rep(1000)}) do
    local ok, text = pcall(string.format, format, 1)
    escaped = escaped or (ok and #text > 1000)
  end
  return {escaped = escaped}
end
