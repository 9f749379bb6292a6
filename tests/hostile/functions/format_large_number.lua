-- expect: 200 {"text": "5.5733e+120"}
-- params: {"format": "%7g", "number": "0x1.144399609d407p+401"}
return function(params)
  return {text = string.format(params.format, tonumber(params.number))}
end
