return {
  description = "Calls itself until it may not; tells the depth reached, and why it ended",
  params = {depth = {type = "integer", default = 0}, most = {type = "integer", default = 100}},
  handler = function(params, ctx)
    if params.depth == params.most then
      return {depth = params.depth}
    end
    local result, failed = ctx.invoke("nest", {depth = params.depth + 1, most = params.most})
    if result then
      return result
    end
    return {depth = params.depth, code = failed.code, error = failed.error}
  end,
}
