-- expect: 500 function_error
return function()
  return {text = os.date("%Q")}
end
