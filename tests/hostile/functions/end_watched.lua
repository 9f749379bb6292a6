-- expect: 504 deadline
return function(params, ctx)
  while ctx.remaining_ms() > 1 do end
  while true do pcall(function() while ctx.remaining_ms() >= 0 do end end) end
end
