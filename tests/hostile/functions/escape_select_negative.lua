-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = pcall(select, -1e9, 1) or pcall(select, 0, 1)}
end
