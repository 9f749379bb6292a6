-- expect: 500
return function(params, ctx)
  local text = "return {" .. ("{},"):rep(1e6) .. "}"
  return {n = #load(text)()}
end
