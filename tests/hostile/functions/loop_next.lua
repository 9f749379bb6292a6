-- expect: 504 deadline
return function(params, ctx)
  local t = {1, 2, 3}
  while true do for _ in pairs(t) do end end
end
