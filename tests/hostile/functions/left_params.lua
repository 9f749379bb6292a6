-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = next(params) == nil
  params.leaving = 1
  setmetatable(params, {__index = params})
  return {clean = clean}
end
