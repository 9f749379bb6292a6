-- expect: 504 deadline
return function(params, ctx)
  load("while true do end")()
end
