-- expect: 500 function_error
return function(params, ctx)
  local function deeper() table.sort({2, 1}, deeper) end
  deeper()
end
