-- expect: 500 bad_result
return function(params, ctx)
  local t = {}
  t.t = t
  return t
end
