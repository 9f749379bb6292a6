-- expect: 504 deadline
return function(params, ctx)
  -- compiled again and again, for each turn looks different
  local values = {1, "2", true, {}, print, 1.5, false}
  local i = 0
  while true do
    i = i % #values + 1
    local value = values[i]
    if type(value) == "table" then value[1] = i elseif value then values[i] = value end
  end
end
