-- expect: 200 {}
-- A line of its own in the log would be a lie.
return function(params, ctx)
  for _ = 1, 100 do ctx.log("info", "one\nlevel=error msg=\"worker died\" two\r\n\27[31m\0\255") end
end
