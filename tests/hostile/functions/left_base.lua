-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = pcall(error) == false and tonumber("1") == 1
  pcall, tonumber = function() return true end, nil
  return {clean = clean}
end
