-- expect: 200 {"clean":true}
-- The collector of a call starts again when its heap is half full, whatever the call has set.
return function()
  for _, setting in ipairs({{"stop"}, {"setpause", -1}, {"setpause", 2 ^ 53}, {"setstepmul", 0},
                            {"setstepmul", -2 ^ 31}, {"step", -1}, {"step", 0 / 0}, {"stop"}}) do
    collectgarbage(setting[1], setting[2])
    for i = 1, 2000 do local text = ("x"):rep(20000) .. i end
  end
  return {clean = true}
end
