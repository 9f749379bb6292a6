-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  while true do
    local t = {}
    for i = 1, 2 ^ 22 do t[i + 0.5] = i end
  end
end}
