-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = getmetatable(ctx) == nil or getmetatable(ctx).leaving == nil
  local meta = getmetatable(ctx)
  if type(meta) == "table" then
    meta.leaving = 1
  else
    setmetatable(ctx, {leaving = 1})
  end
  return {clean = clean}
end
