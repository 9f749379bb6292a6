-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = rawget(_G, "leaving") == nil
  rawset(_G, "leaving", 1)
  return {clean = clean}
end
