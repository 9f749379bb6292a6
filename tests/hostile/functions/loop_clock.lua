-- expect: 504 deadline
return function(params, ctx)
  while true do os.clock() os.time() os.date() end
end
