-- expect: 504 deadline
return function(params, ctx)
  xpcall(error, function() while true do end end)
end
