-- expect: 503 function_broken
return {handler = function() end, root = true}
