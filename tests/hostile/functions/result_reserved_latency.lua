-- expect: 500 bad_result
return function(params, ctx)
  return {latency_ms = 0}
end
