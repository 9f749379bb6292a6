-- expect: 200
return function(params, ctx)
  local t = {}
  for i = 1, 50000 do t[i] = {} end
  return {list = t}
end
