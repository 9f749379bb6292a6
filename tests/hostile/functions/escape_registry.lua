-- expect: 200 {"escaped":false}
return function(params, ctx)
  -- everything that can be reached by tables, metatables and iteration
  local seen, escaped = {}, false
  local function walk(value, depth)
    if type(value) ~= "table" or seen[value] or depth > 20 then return end
    seen[value] = true
    for key, item in next, value do
      escaped = escaped or key == "_LOADED" or key == "FILE*" or key == "dump" or key == "execute"
      walk(key, depth + 1)
      walk(item, depth + 1)
    end
    walk(getmetatable(value), depth + 1)
  end
  walk(_G, 0)
  walk(ctx, 0)
  walk(params, 0)
  return {escaped = escaped}
end
