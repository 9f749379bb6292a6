-- expect: 500 function_error
return function()
  return {loaded = load("return x", "chunk", "t", 42) ~= nil}
end
