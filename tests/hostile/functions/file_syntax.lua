-- expect: 503 function_broken
return function( end
