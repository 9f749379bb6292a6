-- expect: 504 deadline
return function(params, ctx)
  local s = ("x"):rep(1e6)
  while true do ctx.log("debug", s) end
end
