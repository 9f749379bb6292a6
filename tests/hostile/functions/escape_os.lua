-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, name in ipairs({"execute", "exit", "remove", "rename", "tmpname", "setlocale"}) do
    escaped = escaped or os[name] ~= nil
  end
  return {escaped = escaped or os.getenv("PATH") ~= nil or os.getenv("FAAS_ADMIN_TOKEN") ~= nil}
end
