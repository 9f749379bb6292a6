-- expect: 500 function_error
return function()
  local f = load("return x", "n", "t", 42)
  return {ok = f ~= nil, v = tostring(f and f())}
end
