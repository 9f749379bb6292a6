local cases = {}

function cases.one(ctx)
  return {ctx.invoke("echo", {a = 1})}
end

function cases.one_without_params(ctx)
  return {ctx.invoke("echo")}
end

function cases.one_that_fails(ctx)
  local result, failed = ctx.invoke("raises", {message = "no luck"})
  return {result == nil, failed.code, failed.error, failed["function"], failed.call_id}
end

function cases.one_unknown(ctx)
  local result, failed = ctx.invoke("nowhere", {})
  return {result == nil, failed.code, failed.error}
end

function cases.one_with_bad_params(ctx)
  local result, failed = ctx.invoke("fibonacci", {n = 46})
  return {result == nil, failed.code, failed.error}
end

function cases.all(ctx)
  local list = ctx.invoke_all({{"echo", {a = 1}}, {"raises", {message = "second"}}, {"nowhere"}, {"echo"}})
  return {#list, list[1].a, list[2].code, list[3].code, next(list[4]) == nil}
end

function cases.all_in_order(ctx)
  local calls, got = {}, {}
  for i = 1, 40 do
    calls[i] = {i % 2 == 0 and "sleep" or "echo", {ms = 40 - i}}
  end
  for i, result in ipairs(ctx.invoke_all(calls)) do
    got[i] = result.slept_ms or result.ms
  end
  return got
end

--- Misuse raises; the call can go on.
function cases.misuse(ctx)
  local wrong = {
    {ctx.sleep},
    {ctx.sleep, -1},
    {ctx.sleep, 600001},
    {ctx.sleep, 0 / 0},
    {ctx.invoke},
    {ctx.invoke, {}},
    {ctx.invoke, "echo", 1},
    {ctx.invoke, "echo", {f = print}},
    {ctx.invoke_all},
    {ctx.invoke_all, {"echo"}},
    {ctx.invoke_all, {{"echo", 1}}},
    {ctx.invoke_all, {{1, {}}}},
    {ctx.log, "info"},
  }
  local got = {}
  for i, call in ipairs(wrong) do
    got[i] = pcall(unpack(call))
  end
  return got
end

function cases.too_many(ctx)
  local calls = {}
  for i = 1, 1001 do
    calls[i] = {"echo"}
  end
  return {pcall(ctx.invoke_all, calls)}
end

return {
  description = "Calls other functions, and tells what came back",
  params = {case = {type = "string", required = true}},
  handler = function(params, ctx)
    return {seen = require("json").array(cases[params.case](ctx))}
  end,
}
