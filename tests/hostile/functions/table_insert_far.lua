-- expect: 504 deadline
-- Two thousand million moves.
return function(params, ctx)
  table.insert({}, -2^31, 1)
end
