-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = package ~= nil or pcall(require, "package") or module ~= nil}
end
