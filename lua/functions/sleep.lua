return {
  description = "Sleeps on a timer, with no thread held",
  params = {
    ms = {type = "integer", min = 0, max = 60000, description = "how long; random from 100 to 299 if not given"},
  },
  timeout_ms = 70000,
  handler = function(params, ctx)
    local ms = params.ms or math.random(100, 299)
    ctx.sleep(ms)
    return {slept_ms = ms}
  end,
}
