-- expect: 504 deadline
return function(params, ctx)
  for _ in function() return 1 end do end
end
