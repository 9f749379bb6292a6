-- expect: 200 {"kept": 0}
-- Compiled code stores into tables whose metatable comes and goes.
return function()
  local metatable, kept = {}, 0
  for limit = 40, 80 do
    local run = load(([[
      local metatable = ...
      local n = 0
      for i = 1, 400 do
        local t = setmetatable({}, metatable)
        setmetatable(t, nil)
        if i > %d and i %% 3 == 0 then
          n = n + 1
          if i == %d + 150 then return t end
        end
      end
      return n]]):format(limit, limit))
    local result = run(metatable)
    if type(result) == "table" then
      for _ in pairs(result) do kept = kept + 1 end
      kept = kept + (getmetatable(result) and 1 or 0)
    end
  end
  return {kept = kept}
end
