-- expect: 504 deadline
-- needs: natives
return function(params, ctx)
  while true do require("sieve").count(100000000) end
end
