-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = jit ~= nil or pcall(require, "jit") or pcall(require, "jit.util")}
end
