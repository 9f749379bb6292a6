-- expect: 504 deadline
return function(params, ctx)
  local ok = pcall(function() while true do end end)
  return {caught = ok}
end
