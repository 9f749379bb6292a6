-- expect: 500 bad_result
return function(params, ctx)
  return {s = "\237\160\128"}
end
