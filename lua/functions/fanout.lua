local function default_params(fn)
  if fn == "hash" then
    return {rounds = 1000}
  end
  return {}
end

return {
  description = "Calls a function several times in parallel",
  params = {
    count = {type = "integer", default = 3, min = 1, max = 256, description = "how many calls"},
    ["function"] = {type = "string", default = "hash", max = 64, description = "the function to call"},
    params = {type = "object", description = "what each call gets; 1000 rounds for hash, else nothing, if not given"},
  },
  -- As long as the function that it calls may take.
  timeout_ms = 600000,
  memory_mb = 256,
  handler = function(params, ctx)
    local fn = params["function"]
    local child = {fn, params.params or default_params(fn)}
    local calls = {}
    for i = 1, params.count do
      calls[i] = child
    end
    return {fanout = params.count, results = ctx.invoke_all(calls)}
  end,
}
