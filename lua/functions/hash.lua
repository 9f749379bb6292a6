local random = require("random")
local sha256 = require("sha256")

return {
  description = "Hashes an input with SHA-256, then its digest, over and over",
  params = {
    rounds = {type = "integer", default = 10000, min = 0, max = 10000000, description = "how many times"},
    input = {type = "string", max = 65536, description = "what to hash; a random UUID if not given"},
  },
  handler = function(params)
    local input = params.input or random.uuid()
    return {rounds = params.rounds, hash = sha256.iterate(input, params.rounds)}
  end,
}
