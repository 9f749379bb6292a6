-- expect: 500 bad_result
return function(params, ctx)
  return {co = coroutine.create(print)}
end
