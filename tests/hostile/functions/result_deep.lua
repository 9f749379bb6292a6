-- expect: 500 bad_result
return function(params, ctx)
  local t = {}
  for _ = 1, 1000 do t = {t = t} end
  return t
end
