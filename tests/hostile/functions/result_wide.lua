-- expect: 500 bad_result
return {memory_mb = 128, handler = function()
  local t = {}
  for i = 1, 300000 do t["a key of the reply " .. i] = i end
  return t
end}
