-- expect: 504 deadline
return function(params, ctx)
  return {caught = xpcall(function() while true do end end, function() return "caught" end)}
end
