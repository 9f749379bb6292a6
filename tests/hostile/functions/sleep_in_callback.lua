-- expect: 500 function_error
-- A callback of C code cannot wait.
return function(params, ctx)
  table.sort({2, 1}, function() ctx.sleep(1) end)
end
