-- expect: 500
return function(params, ctx)
  return {n = select("#", unpack({}, 1, 1e8))}
end
