local json = require("json")

local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for key, value in pairs(a) do
    if not equal(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

--- Text that is read and written comes out the same.
local function check_texts(texts)
  for _, text in ipairs(texts) do
    local value, message = json.decode(text)
    assert(message == nil, message)
    assert(json.encode(value) == text, text .. " became " .. json.encode(value))
  end
end

local function check_values(values)
  for _, value in ipairs(values) do
    assert(equal(json.decode(json.encode(value)), value), "changed: " .. tostring(value))
  end
end

local function check_refused(values, words)
  for i, value in ipairs(values) do
    local ok, message = pcall(json.encode, value)
    assert(not ok, "encoded value " .. i)
    assert(message:find(words[i], 1, true), message)
  end
end

local function check_malformed(texts)
  for _, text in ipairs(texts) do
    local value, message = json.decode(text)
    assert(value == nil and message:find("line", 1, true), text)
  end
end

local function cycle()
  local t = {}
  t.t = t
  return t
end

local function nested(depth)
  local value = {}
  for _ = 2, depth do
    value = {value}
  end
  return value
end

return function(params)
  check_texts({
    "null", "true", "false", "0", "-1", "1.5", "1e300", "9007199254740992", "\"\"", "\"\\u0000\"", "\"ä€😀\"",
    "[]", "{}", "[[],{}]", "{\"a\":[{}]}", "[null,null]", "[1,[2,[3]]]", "{\"a\":null}", "\"\\\"\\\\\"", "0.1",
  })
  check_values({0, 1 / 3, -2 ^ 53, 2 ^ 53, 2 ^ 70, 5e-324, 1.7976931348623157e308, "\0\1\127", {1, 2}, {a = {b = {}}}})
  check_refused(
    {0 / 0, 1 / 0, -1 / 0, print, coroutine.create(print), "\255", {1, nil, 3}, {1, a = 1}, {[1.5] = 1}, {[true] = 1},
      {["\255"] = 1}, cycle(), {a = {{b = print}}}, nested(129)},
    {"finite", "finite", "finite", "function", "cannot hold", "UTF-8", "holes", "other keys", "keys", "keys", "UTF-8",
      "contains itself", "a[1].b", "128"})
  assert(json.encode(nested(128)))
  check_malformed({"", " ", "{", "[1,]", "{\"a\":1,}", "nul", "NaN", "01", "'a'", "1 2", "\"\\ud800\"", "\"\255\""})
  assert(json.encode({}) == "{}" and json.encode(json.array()) == "[]" and json.encode(json.array({1})) == "[1]")
  assert(json.null == json.decode("null") and json.decode("[null]")[1] == json.null)
  local emptied = json.decode("[1]")
  table.remove(emptied)
  assert(json.encode(emptied) == "[]" and json.encode(setmetatable(json.decode("[1]"), {})) == "[1]")
  local list = json.decode("[]")
  list[1] = 2
  assert(json.encode(list) == "[2]")
  return {
    null = json.null,
    empty_list = json.array(),
    empty_object = {},
    list = {1, json.null, json.array({})},
    given = params.given,
  }
end
