local sieve = require("sieve")

return {
  description = "Counts primes with the sieve of Eratosthenes",
  params = {
    limit = {type = "integer", default = 200000, min = 0, max = 100000000, description = "the largest number to test"},
  },
  handler = function(params)
    return {limit = params.limit, primes_found = sieve.count(params.limit)}
  end,
}
