-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = string.leaving == nil and math.pi > 3
  string.leaving, math.pi = 1, 3
  return {clean = clean}
end
