-- expect: 200 {"clean":true}
return function()
  -- a fixed seed of this call says nothing about the next one
  local first = math.random(2 ^ 30)
  math.randomseed(1)
  local seeded = math.random(2 ^ 30)
  return {clean = first ~= seeded}
end
