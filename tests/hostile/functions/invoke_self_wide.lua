-- expect: 200
-- 216 calls at the third level, and all of them refused one more.
return function(params, ctx)
  local calls = {}
  for i = 1, 6 do calls[i] = {ctx.function_name, {}} end
  return {count = #ctx.invoke_all(calls)}
end
