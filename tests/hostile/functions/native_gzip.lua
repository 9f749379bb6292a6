-- expect: 504 deadline
return function(params, ctx)
  local gzip, letters = require("gzip"), require("random").letters(2000000)
  while true do gzip.compress(letters, 9) end
end
