-- expect: 504 deadline
return function(params, ctx)
  ("x"):gsub(".", function() while true do end end)
end
