-- expect: 504 deadline
return function(params, ctx)
  -- alike where a short hash looks: first, last and middle bytes
  local t, filler = {}, ("x"):rep(200)
  while true do
    for i = 1, 2000 do t[i] = filler .. ("%08d"):format(i) .. filler end
  end
end
