-- expect: 500 memory_limit
return function(params, ctx)
  local gzip = require("gzip")
  local bomb = gzip.compress(("\0"):rep(4e6))
  local kept = {}
  for i = 1, 100 do kept[i] = gzip.decompress(bomb, 1e7) .. i end
end
