-- expect: 503 function_broken
return 42
