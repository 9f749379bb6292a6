-- expect: 504 deadline
-- A text without an end.
return function(params, ctx)
  load(function() return " " end)
end
