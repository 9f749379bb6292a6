-- expect: 504 deadline
return function(params, ctx)
  local list = {}
  for i = 1, 100000 do list[i] = ("a"):rep(20) .. "b" end
  while true do pcall(require("regex").count, "(a+)+", list) end
end
