-- expect: 504 deadline
return function(params, ctx)
  while true do require("sieve").count(100000000) end
end
