-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, verb in ipairs({"collect", "stop", "restart", "step", "setpause", "setstepmul", "isrunning", "generational",
                         "incremental"}) do
    escaped = escaped or pcall(collectgarbage, verb, 1)
  end
  escaped = escaped or pcall(collectgarbage)
  return {escaped = escaped}
end
