-- expect: 504 deadline
return function(params, ctx)
  local function deeper() pcall(deeper) pcall(deeper) end
  while true do deeper() end
end
