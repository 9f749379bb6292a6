-- expect: 500 bad_result
return function(params, ctx)
  return {s = "\192\128"}
end
