-- expect: 504 deadline
return function(params, ctx)
  local steps = {}
  function steps.one(self) self.n = self.n + 1 return self end
  local state = setmetatable({n = 0}, {__index = steps})
  while true do state:one() end
end
