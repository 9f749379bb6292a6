-- expect: 504 deadline
return function(params, ctx)
  local x = 1
  while true do x = bit.bxor(bit.rol(x, 1), 0x5bd1e995) end
end
