-- expect: 200 {"a": 1}
return function(params, ctx)
  return {a = 1, latency_ms = -1, warm = "never"}
end
