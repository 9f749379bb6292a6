-- expect: 503 function_broken
error({})
