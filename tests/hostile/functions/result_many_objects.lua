-- expect: 200
return {memory_mb = 64, handler = function()
  local rows = {}
  for i = 1, 50000 do
    rows[i] = {id = i, name = "item " .. i, price = i * 0.25, tags = {"a", "b", "c"}, ok = i % 2 == 0}
  end
  return rows
end}
