-- expect: 200 {"escaped":false}
return function(params, ctx)
  local t = {}
  pcall(table.insert, t, 2^31 - 1, 1)
  pcall(table.remove, t, 2^31 - 1)
  pcall(table.maxn, t)
  return {escaped = false}
end
