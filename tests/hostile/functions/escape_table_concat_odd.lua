-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = pcall(table.concat, {}, "", 1, 1e9) or pcall(table.concat, {{}})}
end
