-- expect: 200 {"escaped":false}
-- The server's own code uses none of what a function can replace.
return function(params, ctx)
  local escaped = false
  string.format, string.rep, string.sub = nil, nil, nil
  table.concat = function() escaped = true end
  type, pairs, next, error = nil, nil, nil, nil
  return {escaped = escaped}
end
