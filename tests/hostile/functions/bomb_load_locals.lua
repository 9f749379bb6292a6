-- expect: 200
return function(params, ctx)
  local code, message = load(("local x = 1 "):rep(300))
  return {refused = code == nil, message = message}
end
