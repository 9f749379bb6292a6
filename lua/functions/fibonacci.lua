local fib = require("fib")

return {
  description = "Computes a Fibonacci number by double recursion",
  params = {
    n = {type = "integer", min = 0, max = 45, description = "which number; random from 35 to 39 if not given"},
  },
  handler = function(params)
    local n = params.n or math.random(35, 39)
    return {n = n, result = fib.recursive(n)}
  end,
}
