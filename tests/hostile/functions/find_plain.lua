-- expect: 200
return function(params, ctx)
  local text, needle = ("a"):rep(2e6), ("a"):rep(1e6) .. "b"
  return {found = text:find(needle, 1, true) or false}
end
