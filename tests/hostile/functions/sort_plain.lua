-- expect: 504 deadline
-- No comparator, so nothing looks at the clock.
return {memory_mb = 256, handler = function()
  local list = {}
  for i = 1, 2e6 do list[i] = i * 7919 % 1000003 end
  while true do table.sort(list) end
end}
