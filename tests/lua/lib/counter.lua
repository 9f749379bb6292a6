local M = {count = 0}

--- One more than the last time.
function M.next()
  M.count = M.count + 1
  return M.count
end

return M
