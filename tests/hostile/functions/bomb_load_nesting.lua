-- expect: 200
-- The parser's own recursion has a limit.
return function(params, ctx)
  local code, message = load("return " .. ("("):rep(1e5) .. "1" .. (")"):rep(1e5))
  return {refused = code == nil, message = message:sub(1, 100)}
end
