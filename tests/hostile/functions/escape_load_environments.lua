-- expect: 200 {"escaped":false,"refused":8}
return function()
  local refused, escaped = 0, false
  local values = {42, 2 ^ 53, -1, "x", true, print, coroutine.create(print), require("json").null}
  for _, value in ipairs(values) do
    for _, loader in ipairs({load, loadstring}) do
      local ok, message = pcall(loader, "return x", "n", "t", value)
      escaped = escaped or ok
      refused = refused + (message:find("bad argument #4", 1, true) and 0.5 or 0)
    end
  end
  return {escaped = escaped, refused = refused}
end
