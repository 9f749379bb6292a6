-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local s = "return [[" .. ("x"):rep(4e7) .. "]]"
  while true do load(s) end
end}
