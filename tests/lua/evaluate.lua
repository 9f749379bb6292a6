return {
  description = "Runs a Lua text and returns the text form of what it returned",
  params = {source = {type = "string", required = true}},
  handler = function(params, ctx)
    local chunk, message = load(params.source, "=source")
    if not chunk then
      error(message, 0)
    end
    local value = chunk(ctx)
    return {type = type(value), text = tostring(value)}
  end,
}
