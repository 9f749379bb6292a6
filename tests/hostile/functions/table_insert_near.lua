-- expect: 200
return function(params, ctx)
  table.insert({}, -1e6, 1)
end
