-- expect: 200 {"escaped":false}
return function(params, ctx)
  math.randomseed(42)
  local one = math.random(2^30)
  math.randomseed(42)
  local escaped = one ~= math.random(2^30)
  pcall(math.randomseed, 0 / 0)
  pcall(math.random, 0)
  pcall(math.random, 2^53, -2^53)
  return {escaped = escaped}
end
