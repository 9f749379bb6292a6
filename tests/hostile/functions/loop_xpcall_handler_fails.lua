-- expect: 504 deadline
return function(params, ctx)
  while true do xpcall(error, function() error("in the handler") end) end
end
