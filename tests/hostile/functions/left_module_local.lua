-- expect: 200 {"clean":true}
local calls = 0
return function()
  calls = calls + 1
  return {clean = calls == 1}
end
