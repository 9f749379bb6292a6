-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = coroutine.leaving == nil and type(coroutine.resume) == "function"
  coroutine.leaving, coroutine.resume, coroutine.wrap = 1, nil, nil
  return {clean = clean}
end
