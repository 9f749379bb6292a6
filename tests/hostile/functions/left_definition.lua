-- expect: 200 {"clean":true}
local definition = {params = {name = {type = "string", default = "first"}}}
function definition.handler(params)
  local clean = params.name == "first"
  definition.params.name.default = "second"
  definition.handler = nil
  return {clean = clean}
end
return definition
