-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = getmetatable(_G) == nil
  setmetatable(_G, {__index = function() return 1 end})
  return {clean = clean}
end
