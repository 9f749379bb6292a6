-- walk.lua - calls every function that a function file can reach, with odd values.
--
-- Combinations of arguments are numbered: no argument, each value, each pair of values, and then a
-- sample of three to six values that depends on the number and the function's name alone. A call
-- runs one function with a part of them: what ends the call ends no more than that part.
local VALUES_SAMPLED = 400 -- combinations of three to six values
local MODULES = {"bit", "cjson", "cjson.safe", "coroutine", "json", "math", "os", "package", "string",
                 "table", "table.clear", "table.new"}

-- The functions called may change what they reach: all that is used here is bound first.
local error, getmetatable, ipairs, next, pairs, pcall = error, getmetatable, ipairs, next, pairs, pcall
local rawget, require, select, setmetatable, tostring, type =
  rawget, require, select, setmetatable, tostring, type
local globals, getfenv, unpack = _G, getfenv, unpack
local byte, format, gmatch, match, rep = string.byte, string.format, string.gmatch, string.match, string.rep
local create, resume, running, yield = coroutine.create, coroutine.resume, coroutine.running, coroutine.yield
local sort, concat = table.sort, table.concat

-- -- Functions -------------------------------------------------------------------------------

local function is_text(key)
  return type(key) == "string" or type(key) == "number" or type(key) == "boolean"
end

--- Every function that tables, metatables and environments lead to from `roots`: {name = function}.
local function reach(roots)
  local seen, waiting, found = {}, {}, {}
  local function meet(name, value)
    if (type(value) ~= "table" and type(value) ~= "function") or seen[value] then
      return
    end
    seen[value] = true
    if type(value) == "function" then
      found[name] = value
    end
    waiting[#waiting + 1] = {name, value}
  end
  local function metatable_of(name, value)
    local meta = getmetatable(value)
    if type(meta) == "table" then
      meet(name .. "<meta>", meta)
    end
  end
  local names = {}
  for name in pairs(roots) do
    names[#names + 1] = name
  end
  sort(names)
  for _, name in ipairs(names) do
    meet(name, roots[name])
  end
  metatable_of("string", "")
  for _, one in ipairs(waiting) do
    local name, value = one[1], one[2]
    metatable_of(name, value)
    local ok, environment = pcall(getfenv, value)
    meet(name .. "<env>", ok and environment or nil)
    if type(value) == "table" then
      local keys = {}
      for key in next, value do
        keys[#keys + 1] = is_text(key) and tostring(key) or nil
      end
      sort(keys)
      for _, key in ipairs(keys) do
        meet(name .. "." .. key, rawget(value, key))
      end
    end
  end
  return found
end

local function roots_of(ctx, natives)
  local roots = {_G = globals, ctx = ctx}
  for _, list in ipairs({MODULES, natives}) do
    for _, name in ipairs(list) do
      local ok, module = pcall(require, name)
      if ok then
        roots[name] = module
      end
    end
  end
  return roots
end

-- -- Values ----------------------------------------------------------------------------------

local METAMETHODS = {"__index", "__newindex", "__call", "__add", "__sub", "__mul", "__div", "__mod",
                     "__pow", "__unm", "__concat", "__len", "__eq", "__lt", "__le", "__tostring",
                     "__pairs", "__ipairs", "__gc", "__mode", "__metatable", "__name", "__tojson"}

local function hostile(answer)
  local meta = {}
  for _, name in ipairs(METAMETHODS) do
    meta[name] = answer
  end
  return function()
    return setmetatable({1, 2, 3}, meta)
  end
end

local function raises()
  error({code = "raised"})
end

local function recurses(self, key)
  return tostring(self) .. self[key]
end

local function yields(...)
  return yield(...)
end

local function gives(...)
  return ...
end

local function constant(value)
  return function()
    return value
  end
end

--- Makers of the odd values. Tables and coroutines are new ones each time: functions change them.
local function makers_of(owner, userdata)
  local texts = {long = rep("0123456789abcdef", 4096)}
  local list = {}
  local function add(make)
    list[#list + 1] = make
  end
  add(constant(nil))
  for _, value in ipairs({true, false, 0, -1, 1, 2, 0.5, 2 ^ 31, -2 ^ 31, 2 ^ 53, -2 ^ 63, 1e308, 0 / 0,
                          1 / 0, -1 / 0, "", "x", "10", "0x7fffffff", texts.long, "a\0b\0", "%", "%s%d%q%p",
                          "%99.99f", "[^]", "(()%1", "\255\254", "\27LJ\2", "return ...", "info", "*t",
                          raises, yields, gives, tostring, pcall, yield, setmetatable}) do
    add(constant(value))
  end
  add(function() return {} end)
  add(function() return {3, 1, 2} end)
  add(function() return {"b", "a", {}, nil, false} end)
  add(function() return {[1] = 1, [2 ^ 31] = 2, [-1] = 3, [0.5] = 4, x = 5, [true] = 6} end)
  add(function() return {year = 2 ^ 53, month = -1, day = 0 / 0, hour = "x", isdst = {}} end)
  add(function()
    local t = {}
    t[1], t.self, t.__index = t, t, t
    return setmetatable(t, t)
  end)
  add(hostile(raises))
  add(hostile(recurses))
  add(hostile(yields))
  add(hostile(constant(2 ^ 53)))
  add(hostile(constant(nil)))
  add(hostile(gives))
  add(hostile({}))
  add(function() return create(gives) end)
  add(function()
    local co = create(yields)
    resume(co)
    return co
  end)
  add(function()
    local co = create(raises)
    resume(co)
    return co
  end)
  add(function() return (running()) end)
  for _, value in ipairs(userdata) do
    add(constant(value))
  end
  add(constant(owner))
  return list
end

--- Numbers from `seed` on, each of them from 1 to a given one.
local function generator(seed)
  return function(most)
    seed = (seed * 1103515245 + 12345) % 2 ^ 31
    return 1 + (seed - seed % 65536) / 65536 % most
  end
end

local function seed_of(name, number)
  local seed = number
  for i = 1, #name do
    seed = (seed * 31 + byte(name, i)) % 2 ^ 31
  end
  return seed
end

--- The arguments of combination `number`, and how many they are.
local function arguments_of(name, number, makers)
  local count = #makers
  if number == 0 then
    return {}, 0
  elseif number <= count then
    return {makers[number]()}, 1
  elseif number <= count + count * count then
    local pair = number - count - 1
    local second = pair % count
    return {(makers[(pair - second) / count + 1]()), (makers[second + 1]())}, 2
  end
  local random, list = generator(seed_of(name, number)), {}
  local length = 2 + random(4)
  for i = 1, length do
    list[i] = makers[random(count)]()
  end
  return list, length
end

local function combinations(makers)
  return 1 + #makers + #makers * #makers + VALUES_SAMPLED
end

-- -- Calls -----------------------------------------------------------------------------------

local DONE = {}

local function serve(fn, ...)
  return serve(yield(DONE, pcall(fn, ...)))
end

--- Runs functions in a coroutine, a new one once a function has yielded from it or ended it.
local function new_runner()
  local co
  return function(tally, fn, ...)
    co = co or create(serve)
    local function judge(alive, mark, ok, ...)
      if not alive or mark ~= DONE then
        co = nil
        tally.yielded = tally.yielded + 1
        return mark
      end
      tally[ok and "returned" or "raised"] = tally[ok and "returned" or "raised"] + 1
      return ...
    end
    return judge(resume(co, fn, ...))
  end
end

--- Notes the numbers of "0x..." in `text`: no address may be among them.
local function note_numbers(tally, text)
  for digits in gmatch(text, "0x(%x%x%x%x%x%x%x%x+)") do
    if not tally.numbers[digits] and tally.number_count < 200 then
      tally.numbers[digits] = true
      tally.number_count = tally.number_count + 1
    end
  end
end

local function walk(path, first, last, ctx, natives)
  local log, roots = ctx and ctx.log, roots_of(ctx, natives)
  local found = reach(roots)
  local fn = found[path] or error("no function " .. path)
  local userdata = {rawget(roots.json, "null"), roots.matrix and roots.matrix.random(2)}
  -- What is to be walked on in the same state is not given to functions that change it.
  local makers = makers_of(ctx and roots[match(path, "^[^.]+")], userdata)
  local tally = {calls = 0, returned = 0, raised = 0, yielded = 0, numbers = {}, number_count = 0}
  local run, known, fresh = new_runner(), {}, {}

  for _, one in pairs(found) do
    known[one] = true
  end
  for _, one in ipairs({raises, recurses, yields, gives}) do
    known[one] = true
  end
  --- Texts may hold addresses; functions that were not known before are called too.
  local function look(...)
    for i = 1, select("#", ...) do
      local value = select(i, ...)
      if type(value) == "string" then
        note_numbers(tally, value)
      elseif type(value) == "function" and not known[value] then
        known[value] = true
        fresh[#fresh + 1] = value
      elseif type(value) == "table" and not getmetatable(value) then
        for _, item in next, value do
          if type(item) == "function" and not known[item] then
            known[item] = true
            fresh[#fresh + 1] = item
          end
        end
      end
    end
  end
  local function call(one, number)
    local list, length = arguments_of(path, number, makers)
    tally.calls = tally.calls + 1
    look(run(tally, one, unpack(list, 1, length)))
  end

  last = last < combinations(makers) - 1 and last or combinations(makers) - 1
  for number = first, last do
    if log then
      log("debug", format("@%d", number)) -- for the client, should the call be ended here
    end
    call(fn, number)
    for i = 1, #fresh < 4 and #fresh or 4 do
      call(fresh[i], 0)
      call(fresh[i], 1 + number % #makers)
      call(fresh[i], 0)
    end
    fresh = {}
  end
  local numbers = {}
  for digits in pairs(tally.numbers) do
    numbers[#numbers + 1] = digits
  end
  tally.numbers, tally.number_count, tally.combinations = concat(numbers, " "), nil, combinations(makers)
  return tally
end

local function names_of(found)
  local names = {}
  for name in pairs(found) do
    names[#names + 1] = name
  end
  sort(names)
  return names
end

return {
  description = "Names the functions that can be reached, or calls one of them with odd values",
  params = {
    path = {type = "string", default = "", description = "names a function; none: list them"},
    first = {type = "integer", default = 0, description = "of its combinations to be called"},
    last = {type = "integer", default = 0},
    natives = {type = "array"},
  },
  timeout_ms = 60000,
  memory_mb = 32,
  handler = function(params, ctx)
    local natives = params.natives or {}
    if params.path == "" then
      return {functions = names_of(reach(roots_of(ctx, natives)))}
    end
    return walk(params.path, params.first, params.last, ctx, natives)
  end,
}
