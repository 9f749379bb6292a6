-- expect: 200 {"escaped":false}
return function(params, ctx)
  local escaped = false
  for _, range in ipairs({{-2^31, 2^31}, {1, 2^53}, {-2^53, 2^53}, {1, 2^31 - 1}, {2^31 - 1, -2^31}, {1, 1 / 0}}) do
    escaped = escaped or select("#", pcall(unpack, {}, range[1], range[2])) > 2
  end
  return {escaped = escaped}
end
