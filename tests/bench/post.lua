-- post.lua - for wrk: POSTs the body given as argument, and prints what came of it as JSON.
-- SPDX-License-Identifier: MIT
function init(args)
  wrk.method = "POST"
  wrk.body = args[1] or "{}"
  wrk.headers["Content-Type"] = "application/json"
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\n{"requests":%d,"seconds":%.6f,"failed":%d}\n', summary.requests,
    summary.duration / 1e6, failed))
end
