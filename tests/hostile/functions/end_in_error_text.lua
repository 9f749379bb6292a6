-- expect: 504 deadline
return {memory_mb = 600, handler = function()
  local s = ("x"):rep(4e7)
  while true do pcall(error, s, 1) pcall(load, s, s) pcall(string.rep, s, {}) end
end}
