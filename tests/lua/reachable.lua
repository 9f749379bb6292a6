--- Names and types of a table's fields: {pairs = "function", ...}.
local function fields(of)
  local seen = {}
  for name, value in pairs(of) do
    seen[tostring(name)] = type(value)
  end
  return seen
end

return {
  description = "Tells every global, the fields of every library, and those of ctx and json",
  handler = function(_, ctx)
    local libraries = {ctx = fields(ctx), json = fields(require("json"))}
    for name, value in pairs(_G) do
      if type(value) == "table" and value ~= _G then
        libraries[name] = fields(value)
      end
    end
    return {globals = fields(_G), libraries = libraries}
  end,
}
