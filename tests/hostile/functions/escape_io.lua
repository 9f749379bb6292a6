-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, name in ipairs({"popen", "tmpfile", "input", "output", "close"}) do
    escaped = escaped or io[name] ~= nil
  end
  for _, mode in ipairs({"r", "w", "a", "r+", "rb"}) do
    escaped = escaped or io.open("/proc/self/maps", mode) ~= nil or io.open("/dev/null", mode) ~= nil
  end
  escaped = escaped or pcall(io.lines, "/etc/passwd") or io.stdin:read("*a") ~= "" or io.read(100) ~= nil
  for _, value in ipairs({{}, 1, "x", print, coroutine.create(print), require("json").null}) do
    escaped = escaped or pcall(io.stdout.write, value, "x") or io.type(value) ~= nil
  end
  return {escaped = escaped or getmetatable(io.stdout).__gc ~= nil or tostring(io.stdout):find("0x") ~= nil}
end
