-- expect: 500 memory_limit
return function(params, ctx)
  return require("json").decode("[" .. ("[],"):rep(1e6) .. "0]")
end
