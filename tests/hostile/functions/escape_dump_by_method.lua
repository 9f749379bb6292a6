-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = pcall(function() return ("x"):dump(print) end) or rawget(string, "dump") ~= nil}
end
