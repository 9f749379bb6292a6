-- expect: 504 deadline
return function(params, ctx)
  local function handler() return xpcall(error, handler) end
  while true do xpcall(error, handler) end
end
