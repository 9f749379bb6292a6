-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = leaving == nil
  leaving = 1
  return {clean = clean}
end
