-- expect: 503 function_broken
local _ = 1
