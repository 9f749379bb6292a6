-- expect: 504 deadline
return function(params, ctx)
  while true do local _ = {pcall(unpack, {}, 1, 7900)} end
end
