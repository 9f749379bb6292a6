-- expect: 500 memory_limit
return function(params, ctx)
  local s = "xx"
  while true do s = s:gsub("x", "xxxx") end
end
