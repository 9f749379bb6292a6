-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = ctx.leaving == nil and type(ctx.log) == "function"
  ctx.leaving, ctx.log = 1, nil
  return {clean = clean}
end
