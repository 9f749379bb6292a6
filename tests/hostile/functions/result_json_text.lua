-- expect: 200 {"s":"\"}],\"code\":\"x"}
return function(params, ctx)
  return {s = '"}],"code":"x'}
end
