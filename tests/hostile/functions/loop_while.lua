-- expect: 504 deadline
return function(params, ctx)
  while true do end
end
