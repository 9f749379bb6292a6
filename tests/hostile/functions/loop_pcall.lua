-- expect: 504 deadline
return function(params, ctx)
  while true do pcall(function() while true do end end) end
end
