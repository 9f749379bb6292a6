-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, name in ipairs({"ffi", "jit", "dofile", "loadfile", "module", "newproxy", "gcinfo"}) do
    escaped = escaped or load("return " .. name)() ~= nil or load("return _G." .. name)() ~= nil
  end
  return {escaped = escaped}
end
