-- expect: 500 function_error
-- Each callback takes some of the C stack.
return function(params, ctx)
  local function deeper() return (("x"):gsub(".", deeper)) end
  return {result = deeper()}
end
