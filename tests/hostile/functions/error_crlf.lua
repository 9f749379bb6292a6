-- expect: 500 function_error
return function(params, ctx)
  error("one\r\nX-Evil: 1\r\n\r\ntwo", 0)
end
