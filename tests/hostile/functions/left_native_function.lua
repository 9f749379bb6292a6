-- expect: 200 {"clean":true}
return function(params, ctx)
  local clean = type(require("fib").recursive) == "function"
  require("fib").recursive = nil
  return {clean = clean}
end
