-- expect: 200 {"escaped":false}
-- A width of this kind has overflowed buffers elsewhere.
return function(params, ctx)
  return {escaped = #bit.tohex(1, 2^31) > 254 or #bit.tohex(1, -2^31) > 254 or #bit.tohex(1, 1e300) > 254}
end
