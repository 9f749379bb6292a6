-- expect: 503 function_broken
return {timeout_ms = 0 / 0, memory_mb = 1 / 0, handler = function() end}
