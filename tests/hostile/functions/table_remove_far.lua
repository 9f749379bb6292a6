-- expect: 200
return function(params, ctx)
  table.remove({}, -2^31)
end
