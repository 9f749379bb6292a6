local mutex = require("mutex")

return {
  description = "Has threads contend for one mutex",
  params = {
    threads = {type = "integer", default = 4, min = 1, max = 64, description = "how many threads"},
    iterations = {type = "integer", default = 200, min = 0, max = 100000, description = "how often each takes it"},
  },
  timeout_ms = 120000,
  handler = function(params)
    local result, waits, waited_ns = mutex.contend(params.threads, params.iterations)
    return {
      threads = params.threads,
      iterations = params.iterations,
      result = result,
      waits = waits,
      waited_ms = waited_ns / 1e6,
    }
  end,
}
