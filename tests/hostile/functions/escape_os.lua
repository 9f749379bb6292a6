-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, name in ipairs({"execute", "exit", "getenv", "remove", "rename", "tmpname", "setlocale"}) do
    escaped = escaped or os[name] ~= nil
  end
  return {escaped = escaped}
end
