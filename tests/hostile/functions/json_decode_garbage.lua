-- expect: 200 {"clean":true}
return function(params, ctx)
  local json, clean = require("json"), true
  for byte = 0, 255 do
    local value = json.decode(string.char(byte))
    clean = clean and (value == nil or (byte >= 48 and byte <= 57))
  end
  return {clean = clean}
end
