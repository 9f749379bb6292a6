-- expect: 500 memory_limit
return function(params, ctx)
  local f = function() end
  while true do
    local g = f
    f = function() return g end
  end
end
