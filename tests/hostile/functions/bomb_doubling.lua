-- expect: 500 memory_limit
return function(params, ctx)
  local s = "x"
  while true do s = s .. s end
end
