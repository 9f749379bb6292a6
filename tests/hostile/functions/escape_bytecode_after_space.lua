-- expect: 200 {"escaped":false}
return function(params, ctx)
  return {escaped = load(" \27LJ\2") ~= nil or load("#!x\n\27LJ\2") ~= nil or load("\239\187\191\27LJ\2") ~= nil}
end
