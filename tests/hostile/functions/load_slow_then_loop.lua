-- expect: 504 deadline
local began = os.clock()
while os.clock() - began < 0.18 do end
return function()
  while true do end
end
