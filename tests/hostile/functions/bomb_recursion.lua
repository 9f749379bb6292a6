-- expect: 500
return function(params, ctx)
  local function deeper(...) return 1 + deeper(1, 2, 3, 4, 5, 6, 7, 8, ...) end
  return {n = deeper()}
end
