-- expect: 200 {"escaped":false}
return function(params, ctx)
  local code = "\27LJ\2\10" .. ("\0"):rep(50)
  local escaped = false
  for _, mode in ipairs({"b", "bt", "t", "", "x"}) do
    escaped = escaped or load(code, "x", mode) ~= nil or load(code, "x", mode, {}) ~= nil
    escaped = escaped or loadstring(code, "x", mode) ~= nil
  end
  escaped = escaped or load(code) ~= nil or loadstring(code) ~= nil
  return {escaped = escaped}
end
