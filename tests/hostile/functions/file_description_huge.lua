-- expect: 503 function_broken
return {description = ("x"):rep(1e6), handler = function() end}
