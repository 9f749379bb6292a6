-- expect: 200 {"clean":true}
local cache = {}
return function()
  local clean = next(cache) == nil
  for i = 1, 1000 do cache[i] = {i} end
  return {clean = clean}
end
