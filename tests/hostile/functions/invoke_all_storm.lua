-- expect: 504 deadline
return function(params, ctx)
  local calls = {}
  for i = 1, 200 do calls[i] = {"hash", {rounds = 1}} end
  while true do ctx.invoke_all(calls) end
end
