-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, chunk in ipairs({{}, true, 1.5, print, "return ...", coroutine.create(print)}) do
    local ok, code = pcall(load, chunk)
    escaped = escaped or (ok and type(code) == "function" and chunk ~= "return ..." and chunk ~= 1.5 and chunk ~= print)
  end
  return {escaped = escaped}
end
