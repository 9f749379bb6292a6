-- expect: 200
for _ = 1, 10000 do print(("x"):rep(100)) end
return function() return {} end
