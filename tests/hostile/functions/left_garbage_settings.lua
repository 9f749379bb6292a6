-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = true
  pcall(collectgarbage, "stop")
  local t = {}
  for i = 1, 1e5 do t = {t[1], i} end
  return {clean = clean}
end
