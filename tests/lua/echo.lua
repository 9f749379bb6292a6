return function(params)
  return params
end
