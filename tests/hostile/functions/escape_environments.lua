-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = getfenv(0) ~= _G
  for _, fn in ipairs({print, setfenv, string.rep, coroutine.wrap, coroutine.resume, require("fib").fibonacci or print,
                       ctx.log, io.write, require}) do
    escaped = escaped or getfenv(fn) ~= _G or pcall(setfenv, fn, {}) or rawget(_G, "print") == nil
  end
  local inner = coroutine.wrap(function() return pcall(setfenv, 0, {}) end)
  escaped = escaped or inner()
  for level = 2, 30 do
    local ok, environment = pcall(getfenv, level)
    escaped = escaped or (ok and environment ~= _G)
  end
  return {escaped = escaped}
end
