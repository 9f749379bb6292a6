-- prelude.lua - what functions that name coroutine find; runs when that library is opened.
--
-- ctx.sleep and ctx.invoke yield the mark to the host. Inside a coroutine of the function's own the
-- yield reaches that coroutine's resume first, which hands it on, and the answer back in.
-- Coroutines that resume each other take C stack, which is not without an end.
--
-- Where an error was raised is known only until it leaves its coroutine, so each coroutine has a
-- message handler that notes it.
local mark, stack_is_full, xpcall, traceback = ...
local raw_resume, create, yield = coroutine.resume, coroutine.create, coroutine.yield
local error, type = error, type

local function finish(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

local function new(f)
  if type(f) ~= "function" then
    return create(f)
  end
  return create(function(...)
    return finish(xpcall(f, traceback, ...))
  end)
end

coroutine.create = new

local function resume(co, ...)
  if stack_is_full() then
    return false, "C stack overflow"
  end
  return raw_resume(co, ...)
end

local function hand_on(co, ok, ...)
  if ok and (...) == mark then
    return hand_on(co, resume(co, yield(mark)))
  end
  return ok, ...
end

function coroutine.resume(co, ...)
  return hand_on(co, resume(co, ...))
end

function coroutine.wrap(f)
  local co = new(f)
  return function(...)
    return finish(hand_on(co, resume(co, ...)))
  end
end
