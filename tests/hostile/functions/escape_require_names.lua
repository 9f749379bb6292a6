-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, name in ipairs({"ffi", "jit", "jit.opt", "jit.util", "jit.profile", "string.buffer", "table.nkeys",
                         "thread.exdata", "_LOADED", "_PRELOAD", "faas.stream", "lfs", "posix", "../x", "/etc/passwd", "lib.x", "", ".", "a\0b"}) do
    escaped = escaped or pcall(require, name)
  end
  return {escaped = escaped}
end
