-- expect: 504 deadline
return function(params, ctx)
  local function deeper() return 1 + deeper() end
  while true do pcall(deeper) end
end
