-- expect: 200
-- More bytes than a number of 64 bits can count.
return function(params, ctx)
  return {s = ("xxxxxxxxxxxxxxxx"):rep(2 ^ 60)}
end
