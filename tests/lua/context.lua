return {
  description = "Tells what its ctx says",
  timeout_ms = 20000,
  handler = function(_, ctx)
    local before = ctx.remaining_ms()
    ctx.sleep(5)
    return {
      call_id = ctx.call_id,
      function_name = ctx.function_name,
      start = ctx.start,
      traceparent = ctx.traceparent or require("json").null,
      remaining_ms = before,
      passed_ms = before - ctx.remaining_ms(),
    }
  end,
}
