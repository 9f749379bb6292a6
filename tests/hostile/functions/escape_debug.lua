-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, name in ipairs({"debug", "getfenv", "getlocal", "getmetatable", "getregistry", "getupvalue", "setfenv",
                         "sethook", "setlocal", "setupvalue", "setuservalue", "upvalueid", "upvaluejoin"}) do
    escaped = escaped or debug[name] ~= nil
  end
  for _, options in ipairs({"f", "L", ">S", ">f", "nSluf"}) do
    escaped = escaped or pcall(debug.getinfo, 1, options) or pcall(debug.getinfo, print, options)
  end
  for _, value in ipairs({1, true, print, {}, coroutine.create(print), require("json").null, io.stdout}) do
    escaped = escaped or pcall(debug.setmetatable, value, {}) or pcall(debug.setmetatable, value, nil)
  end
  for level = -1, 30 do
    local info = debug.getinfo(level)
    escaped = escaped or (info and info.func) or debug.traceback("", level):find("0x", 1, true) ~= nil
  end
  return {escaped = escaped}
end
