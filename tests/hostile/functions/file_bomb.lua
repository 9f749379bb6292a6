-- expect: 503 function_broken
return ("x"):rep(1e10)
