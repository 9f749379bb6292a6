-- expect: 503 function_broken
coroutine.yield(1)
return function() end
