local counter = require("counter")
local json = require("json")
local sha256 = require("sha256")

local globals, error = _G, error
local upvalue = 0
local library = {string = string, math = math, coroutine = coroutine, os = os, table = table}
local count_up = coroutine.wrap(function()
  for i = 1, 1000 do
    coroutine.yield(i)
  end
end)

local definition = {
  description = "Looks for what an earlier call left, then leaves it",
  params = {
    kind = {type = "string", required = true},
    ending = {type = "string", default = "return", description = "return, raise, memory or deadline"},
  },
  memory_mb = 16,
  timeout_ms = 20000,
}

--- Each looks, leaves, and returns what it saw: the same in every call, if nothing is left.
local kinds = {}

function kinds.global()
  local seen = globals.left
  globals.left = "left"
  return seen == nil
end

function kinds.replaced_global()
  local seen = tostring(1)
  globals.tostring = function()
    return "left"
  end
  globals.pairs, globals.error = nil, nil
  return seen == "1"
end

function kinds.library_function()
  local seen = ("a"):upper() .. string.upper("a") .. math.floor(1.5)
  library.string.upper = function()
    return "left"
  end
  library.math.floor = library.string.upper
  return seen == "AA1"
end

function kinds.library_field()
  local seen = ("").left
  for _, fields in pairs(library) do
    seen = seen or fields.left
    fields.left = "left"
  end
  return seen == nil
end

function kinds.coroutine_function()
  local seen = coroutine.wrap(function()
    return "own"
  end)()
  library.coroutine.wrap = function()
    return function()
      return "left"
    end
  end
  return seen == "own"
end

function kinds.metatable_of_globals()
  local seen = getmetatable(_G) or globals.not_there
  setmetatable(_G, {__index = function()
    return "left"
  end})
  return seen == nil
end

function kinds.metatable_of_library()
  local seen = getmetatable(string) or ("").not_there
  setmetatable(string, {__index = {not_there = "left"}})
  return seen == nil
end

function kinds.json_module()
  local seen = json.left
  json.left, json.encode = "left", nil
  return seen == nil and require("json").left == "left"
end

function kinds.native_module()
  local seen = sha256.left
  sha256.left, sha256.iterate = "left", nil
  return seen == nil and require("sha256").left == "left"
end

function kinds.module_state()
  return counter.next() == 1
end

function kinds.upvalue()
  upvalue = upvalue + 1
  return upvalue == 1
end

function kinds.suspended_coroutine()
  return count_up() == 1
end

function kinds.definition()
  local seen = definition.left
  definition.left = "left"
  definition.params.left = {default = "left"}
  definition.handler = nil
  return seen == nil
end

function kinds.parameters(params, ctx)
  local seen = params.left or ctx.left
  params.left, ctx.left = "left", "left"
  return seen == nil
end

function kinds.memory()
  local seen = collectgarbage("count")
  globals.left = {}
  for i = 1, 20000 do
    globals.left[i] = {i}
  end
  return seen < 1024
end

function kinds.compiled_code()
  local sum = 0
  for i = 1, 100000 do
    sum = (sum * 31 + i % 7) % 65536
  end
  return sum == 7782
end

function kinds.loaded_modules()
  local seen = package.loaded.left or package.preload.left or not package.loaded.counter
  package.loaded.left, package.loaded.counter, package.path = "left", nil, "left"
  package.preload.left = error
  return not seen and require("counter").next() == 1 and require("left") == "left"
end

local function own_environment()
  return left_in_environment -- luacheck: ignore
end

function kinds.environment()
  local seen = own_environment()
  setfenv(own_environment, {left_in_environment = "left"})
  return seen == nil and own_environment() == "left"
end

function kinds.stream_methods()
  local methods = getmetatable(io.stdout)
  local seen = methods.left
  methods.left, methods.write = "left", error
  return seen == nil and not pcall(io.stdout.write, io.stdout, "x")
end

function kinds.metatable_of_strings()
  local seen = ("x"):rep(2)
  debug.setmetatable("", nil)
  return seen == "xx"
end

local endings = {}

endings["return"] = function(clean)
  return {clean = clean}
end

function endings.raise(clean)
  error({error = "clean: " .. (clean and "true" or "false")})
end

function endings.memory()
  globals.kept = {}
  for i = 1, math.huge do
    globals.kept[i] = ("x"):rep(1024 * 1024) .. i
  end
end

definition.handler = function(params, ctx)
  return endings[params.ending](kinds[params.kind](params, ctx))
end

return definition
