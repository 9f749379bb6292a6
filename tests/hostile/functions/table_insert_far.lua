-- expect: 500
-- needs: tables
-- Two thousand million moves, in C.
return function(params, ctx)
  table.insert({}, -2^31, 1)
end
