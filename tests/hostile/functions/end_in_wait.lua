-- expect: 504 deadline
return function(params, ctx)
  while true do
    local ok = pcall(ctx.sleep, 60000)
    if not ok then return {caught = true} end
  end
end
