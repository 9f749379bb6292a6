-- expect: 200 {"same":true,"distinct":true,"near":0}
-- Objects made one after the other lie near each other in memory: their numbers must not.
return function()
  local numbers, seen, same, distinct, near = {}, {}, true, true, 0
  for i = 1, 200 do
    local object = ({{}, function() return i end, coroutine.create(print), {}})[i % 4 + 1]
    local text = tostring(object):match("0x(%x+)")
    same = same and text == ("%p"):format(object):match("0x(%x+)")
    same = same and text == ("%s"):format(object):match("0x(%x+)")
    distinct = distinct and not seen[text]
    seen[text] = object
    numbers[i] = tonumber(text, 16)
  end
  for i = 2, #numbers do
    near = near + (math.abs(numbers[i] - numbers[i - 1]) < 2 ^ 24 and 1 or 0)
  end
  return {same = same, distinct = distinct, near = near > 3 and near or 0}
end
