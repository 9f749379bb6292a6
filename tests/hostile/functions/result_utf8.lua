-- expect: 500 bad_result
return function(params, ctx)
  return {s = "\255\254"}
end
