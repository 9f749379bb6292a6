-- describe.lua - checks what a function file declares. Returns a function of the table that the
-- file returned (nil where it returned the handler alone), which gives the description that
-- becomes the JSON for the front, or nil and a sentence that names the field. It is loaded before
-- the file, which may change every global: all that is called here is bound first.
local error, pairs, pcall, print, tostring, type = error, pairs, pcall, print, tostring, type
local concat, format, sort = table.concat, string.format, table.sort

local FIELDS = {
  description = "string",
  params = "table",
  timeout_ms = "number",
  memory_mb = "number",
  max_concurrency = "number",
  handler = "function",
}
local PARAM_FIELDS = {
  type = "string",
  default = "any",
  min = "number",
  max = "number",
  required = "boolean",
  description = "string",
}
local PARAM_TYPES = {
  integer = "number",
  number = "number",
  string = "string",
  boolean = "boolean",
  object = "table",
  array = "table",
  any = "any",
}
local LIMITS = {
  timeout_ms = {1, 600000},
  memory_mb = {1, 1024},
  max_concurrency = {1, 65536},
}

local function names(set)
  local list = {}
  for name in pairs(set) do
    list[#list + 1] = name
  end
  sort(list)
  return concat(list, ", ")
end

--- Raises when `value` has a field that `fields` does not name, or of another type.
local function check_fields(value, fields, what)
  for name, field in pairs(value) do
    local wanted = fields[name]
    if not wanted then
      error(format("%s has an unknown field `%s`; known are %s", what, tostring(name), names(fields)), 0)
    end
    if wanted ~= "any" and type(field) ~= wanted then
      error(format("%s: `%s` must be a %s, not a %s", what, name, wanted, type(field)), 0)
    end
  end
end

local function check_limit(definition, name)
  local value, range = definition[name], LIMITS[name]
  if value and (value % 1 ~= 0 or value < range[1] or value > range[2]) then
    error(format("`%s` must be a whole number from %d to %d", name, range[1], range[2]), 0)
  end
end

local function check_default(param, what)
  local default, kind = param.default, PARAM_TYPES[param.type or "any"]
  if default == nil then
    return
  end
  if type(default) == "table" or type(default) == "function" then
    error(what .. ": `default` must be a text, a number or a boolean; others are made in the handler", 0)
  end
  if kind ~= "any" and type(default) ~= kind then
    error(format("%s: `default` is no %s", what, param.type), 0)
  end
  if param.type == "integer" and default % 1 ~= 0 then
    error(what .. ": `default` is no whole number", 0)
  end
  if param.required then
    error(what .. ": a required parameter has no `default`", 0)
  end
  local size = type(default) == "string" and #default or default
  if type(size) == "number" and ((param.min and size < param.min) or (param.max and size > param.max)) then
    error(what .. ": `default` lies outside `min` and `max`", 0)
  end
end

local function describe_param(name, param)
  local what = format("parameter `%s`", tostring(name))
  if type(name) ~= "string" then
    error(what .. " needs a name: params = {name = {...}}", 0)
  end
  if type(param) ~= "table" then
    error(what .. " must be a table such as {type = \"integer\", default = 1}", 0)
  end
  check_fields(param, PARAM_FIELDS, what)
  if param.type and not PARAM_TYPES[param.type] then
    error(format("%s: `type` must be one of %s", what, names(PARAM_TYPES)), 0)
  end
  check_default(param, what)
  local copy = {type = param.type or "any"}
  for field in pairs(PARAM_FIELDS) do
    copy[field] = copy[field] or param[field]
  end
  if param.default == false then
    copy.default = false
  end
  return copy
end

local function describe(definition)
  check_fields(definition, FIELDS, "the table that the file returns")
  local description = {description = definition.description or "", params = {}}
  for name, param in pairs(definition.params or {}) do
    description.params[name] = describe_param(name, param)
  end
  for name in pairs(LIMITS) do
    check_limit(definition, name)
    description[name] = definition[name]
  end
  return description
end

return function(definition)
  local ok, result = pcall(describe, definition or {handler = print})
  if not ok then
    return nil, type(result) == "string" and result or "an error that is no text was raised"
  end
  return result
end
