-- expect: 504 deadline
return function(params, ctx)
  local s = ("x"):rep(7000)
  while true do local _ = {s:byte(1, -1)} end
end
