-- expect: 504 deadline
return function(params, ctx)
  ::top:: goto top
end
