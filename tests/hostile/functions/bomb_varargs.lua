-- expect: 500
return function(params, ctx)
  local function grow(...) return grow(1, ...) end
  return {n = grow()}
end
