-- expect: 504 deadline
return function(params, ctx)
  repeat until false
end
