-- expect: 500 function_error
return function(params, ctx)
  local function deeper() return 1 + deeper() end
  return {n = deeper()}
end
