-- Each case waits for the server inside something, and returns what came of it.
local cases = {}

function cases.wrap(ctx)
  local f = coroutine.wrap(function(a)
    ctx.sleep(2)
    local b = coroutine.yield(a + 1)
    ctx.sleep(2)
    return b + 1, "end"
  end)
  local first = f(1)
  local second, word = f(10)
  return {first, second, word}
end

function cases.resume(ctx)
  local co = coroutine.create(function(a, b)
    local child = ctx.invoke("echo", {sum = a + b})
    local c, d = coroutine.yield(child.sum, "yielded")
    return ctx.invoke("echo", {sum = c + d}).sum
  end)
  local _, first, word = coroutine.resume(co, 1, 2)
  local between = coroutine.status(co)
  local _, second = coroutine.resume(co, 10, 20)
  local dead, why = coroutine.resume(co)
  return {first, word, between, second, coroutine.status(co), dead, why}
end

function cases.nested_coroutines(ctx)
  local outer = coroutine.wrap(function()
    local inner = coroutine.wrap(function()
      ctx.sleep(2)
      coroutine.yield(ctx.invoke("echo", {word = "deep"}).word)
      ctx.sleep(2)
      return "inner end"
    end)
    coroutine.yield(inner())
    ctx.sleep(2)
    return inner()
  end)
  return {outer(), outer()}
end

function cases.generator(ctx)
  local got = {}
  for i in coroutine.wrap(function()
    for i = 1, 5 do
      ctx.sleep(1)
      coroutine.yield(i)
    end
  end) do
    ctx.sleep(1)
    got[#got + 1] = i
  end
  return got
end

function cases.pcall(ctx)
  local ok, word = pcall(function()
    ctx.sleep(2)
    return ctx.invoke("echo", {word = "protected"}).word
  end)
  local failed, why = pcall(function()
    ctx.sleep(2)
    error("after the sleep", 0)
  end)
  return {ok, word, failed, why}
end

function cases.xpcall(ctx)
  return {xpcall(function()
    ctx.sleep(2)
    error("raised", 0)
  end, function(message)
    return message .. " and handled"
  end)}
end

function cases.error_in_wrap(ctx)
  local f = coroutine.wrap(function()
    ctx.sleep(2)
    error("from within", 0)
  end)
  return {pcall(f)}
end

function cases.coroutines_in_turn(ctx)
  local got, workers = {}, {}
  for i = 1, 3 do
    workers[i] = coroutine.create(function()
      for step = 1, 2 do
        ctx.sleep(1)
        got[#got + 1] = i * 10 + step
        coroutine.yield()
      end
    end)
  end
  for _ = 1, 2 do
    for i = 1, 3 do
      assert(coroutine.resume(workers[i]))
    end
  end
  return got
end

function cases.iterator_and_metamethod(ctx)
  local slow = setmetatable({}, {__index = function(_, key)
    ctx.sleep(1)
    return key .. "!"
  end})
  return {slow.a, slow.b}
end

function cases.none_at_all(ctx)
  return {ctx.sleep(0) == nil, #ctx.invoke_all({})}
end

--- A C function waits for the callback, so it cannot be left; the call goes on all the same.
function cases.callback_of_c(ctx)
  local ok = pcall(string.gsub, "a", "a", function()
    ctx.sleep(1)
  end)
  ctx.sleep(1)
  return {ok, ctx.invoke("echo", {word = "goes on"}).word}
end

return {
  description = "Sleeps and invokes inside coroutines and protected calls",
  params = {case = {type = "string", required = true}},
  handler = function(params, ctx)
    return {seen = require("json").array(cases[params.case](ctx))}
  end,
}
