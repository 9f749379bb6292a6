-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = rawget(table, "leaving") == nil
  rawset(table, "leaving", 1)
  return {clean = clean}
end
