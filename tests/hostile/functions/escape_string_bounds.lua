-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, at in ipairs({-2^53, -2^31, -1e9, 2^31, 2^53, 0 / 0, 1 / 0}) do
    pcall(string.byte, "abc", at, at + 1e6)
    escaped = escaped or #("abc"):sub(at, at) > 1
    pcall(string.rep, "", at)
    pcall(string.char, at)
    pcall(string.find, "abc", "b", at)
  end
  return {escaped = escaped}
end
