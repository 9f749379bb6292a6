-- expect: 200 {"escaped":false}
return function(params, ctx)
  -- formats that crash or hang what hands them to strftime
  local escaped = false
  for _, format in ipairs({"%", "%E", "%10000Y", "%!", ("%c"):rep(1000), "*t%"}) do
    local ok, text = pcall(os.date, format, 0)
    escaped = escaped or (ok and type(text) == "string" and #text > 100000)
  end
  pcall(os.date, "%Y", 1e300)
  pcall(os.date, "*t", -1e300)
  pcall(os.time, {year = 1e300, month = 1, day = 1})
  return {escaped = escaped}
end
