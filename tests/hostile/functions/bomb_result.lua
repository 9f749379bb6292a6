-- expect: 500 bad_result
-- Fits into memory, but not into a reply.
return {memory_mb = 64, handler = function() return {s = ("x"):rep(7e6)} end}
