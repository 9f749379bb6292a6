-- expect: 503 function_broken
return {description = "\255", handler = function() end}
