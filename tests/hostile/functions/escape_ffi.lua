-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = ffi ~= nil or pcall(require, "ffi")}
end
