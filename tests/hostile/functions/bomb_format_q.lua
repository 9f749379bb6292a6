-- expect: 500 memory_limit
return function(params, ctx)
  local s = "\n"
  while true do s = ("%q"):format(s) end
end
