-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = ("x").leaving == nil
  string.leaving = function() return 1 end
  return {clean = clean}
end
