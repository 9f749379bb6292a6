-- expect: 504 deadline
return {memory_mb = 1024, handler = function()
  return {length = #os.date(("%c"):rep(12e6))}
end}
