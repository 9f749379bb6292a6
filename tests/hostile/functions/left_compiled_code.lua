-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = true
  local x = 0
  for i = 1, 1e5 do x = x + i end
  clean = x == 5000050000
  return {clean = clean}
end
