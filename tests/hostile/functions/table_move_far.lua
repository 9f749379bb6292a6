-- expect: 504 deadline
return function(params, ctx)
  table.move({}, 1, 2^31 - 2, 2)
end
