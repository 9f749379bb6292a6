-- expect: 200 {"done": true}
return {memory_mb = 16, handler = function()
  for size = 32, 4000, 64 do
    local texts = {}
    for i = 1, math.floor(1500000 / size) do texts[i] = ("x"):rep(size - 24) .. i end
  end
  return {done = true}
end}
