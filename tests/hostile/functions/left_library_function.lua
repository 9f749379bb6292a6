-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = string.format("%d", 1) == "1"
  string.format = function() return "other" end
  return {clean = clean}
end
