-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = type(getmetatable("")) == "table" or pcall(setmetatable, "", {})}
end
