print("while", "loading", 1)

return function(_, ctx)
  print("printed", nil, 1.5, true)
  print(setmetatable({}, {__tostring = function()
    return "as its metatable says"
  end}))
  ctx.log("info", "an info")
  ctx.log("warn", "a warning")
  ctx.log("error", "an error\nof \"two\" lines")
  ctx.log("debug", "a debug line")
  return {refused = {pcall(ctx.log, "loud", "text")}}
end
