-- expect: 500 function_error
return function(params, ctx)
  local function deeper(n) if n == 0 then error("deep") end return (deeper(n - 1)) end
  deeper(150)
end
