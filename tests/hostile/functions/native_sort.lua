-- expect: 504 deadline
return function(params, ctx)
  local sort, uuids = require("sort"), require("random").uuids(5000)
  while true do sort.strings(uuids) end
end
