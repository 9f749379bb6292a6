-- expect: 200 {"clean":true}
return function()
  local clean = collectgarbage("setpause", 1000) == 200 and collectgarbage("setstepmul", 1) == 200
  collectgarbage("stop")
  return {clean = clean}
end
