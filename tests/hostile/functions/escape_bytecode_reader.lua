-- expect: 200 {"escaped":false}
return function(params, ctx)
  local function reader()
    local left = "\27LJ\2\10" .. ("\0"):rep(50)
    return function()
      local byte = left:sub(1, 1)
      left = left:sub(2)
      return byte
    end
  end
  return {escaped = load(reader()) ~= nil or load(reader(), "x", "b") ~= nil}
end
