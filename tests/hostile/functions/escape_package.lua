-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = module ~= nil
  for _, name in ipairs({"loadlib", "loaders", "searchers", "searchpath", "seeall"}) do
    escaped = escaped or package[name] ~= nil
  end
  package.path, package.cpath = "/usr/share/lua/5.1/?.lua", "/usr/lib/?.so"
  for _, name in ipairs({"jit", "jit.util", "jit.opt", "ffi", "string.buffer", "passwd"}) do
    escaped = escaped or package.loaded[name] ~= nil or package.preload[name] ~= nil or pcall(require, name)
  end
  for _, library in pairs(package.loaded) do
    escaped = escaped or (type(library) == "table" and (library.execute or library.popen or library.dump) ~= nil)
  end
  return {escaped = escaped}
end
